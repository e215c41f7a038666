import { describe, expect, test } from 'vitest';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { QueuePoller } from '../../../shared/worker/queue-poller.ts';
import { atOnce, INTERVAL, jobs, many, polling, rests } from './queue-poller-scene.ts';

describe('where to look', () => {
  test('is as much as is wanted of each of the queues, in their order', () => {
    const look = new QueuePoller(parseQueues('a,b'), INTERVAL);
    expect(look.where(7, 0)).toEqual({
      shares: [
        { queue: 'a', limit: 7 },
        { queue: 'b', limit: 7 },
      ],
      listQueues: false,
      countLeft: false,
    });
  });

  test('asks for the names of queues where patterns need them: at first, then once in an interval', () => {
    const { ask, see, names } = polling('*');
    expect(ask(100)).toMatchObject({ listQueues: true, shares: [] });
    see({ queues: ['b', 'a'] }, 100);
    see({ jobs: jobs('a'), more: true }, 200);
    expect(ask(5_099).listQueues).toBe(false);
    expect(names(5_099)).toEqual(['a', 'b']);
    expect(ask(5_100).listQueues).toBe(true);
  });

  test('never asks for them where it has names of its own', () => {
    const { ask, see } = polling('a,b');
    see({ queues: [] }, 100);
    expect(ask(1e9)).toMatchObject({ listQueues: false, shares: [{ queue: 'a' }, { queue: 'b' }] });
  });
});

describe('when to look again', () => {
  test('at once before the first look', () => {
    expect(polling().look).toMatchObject(atOnce);
  });

  test('at once where there may be more', () => {
    expect(polling().see({ jobs: jobs('a'), more: true })).toEqual(atOnce);
  });

  test('after the interval when the queues are empty', () => {
    expect(polling().see({}, 1_000)).toEqual(rests('empty', 1_000));
    expect(polling().see({ jobs: jobs('a') }, 1_000)).toEqual(rests('empty', 1_000));
  });

  test.each([true, false])('after the interval when workers are paused, whatever else (more: %s)', (more) => {
    expect(polling().see({ paused: true, more }, 1_000)).toEqual(rests('paused', 1_000));
    expect(polling('*').see({ paused: true, more, queues: ['new'] }, 1_000)).toEqual(rests('paused', 1_000));
  });

  test('a look that finds more ends the rest, and so does a reset', () => {
    const { see, look } = polling();
    see({});
    expect(see({ more: true }, 5_000)).toEqual(atOnce);
    see({}, 6_000);
    look.reset();
    expect(look).toMatchObject(atOnce);
  });
});

describe('queues that come and go', () => {
  test('new ones are looked at at once, though the others were empty', () => {
    const { see } = polling('*');
    expect(see({ queues: ['a'] }, 1_000)).toEqual(atOnce);
    expect(see({}, 1_001)).toEqual(atOnce);
    expect(see({ queues: ['a'] }, 1_002)).toEqual(rests('empty', 1_002));
    expect(see({ queues: ['a', 'b'] }, 6_002)).toEqual(atOnce);
  });

  test('before it rests it has read their names: they may be new since', () => {
    const { see, ask } = polling('*');
    see({ queues: ['a'] }, 0);
    expect(see({}, 1_000)).toEqual(atOnce);
    expect(ask(1_000).listQueues).toBe(true);
    expect(see({ queues: ['a'] }, 1_000)).toEqual(rests('empty', 1_000));
  });

  test('the names that it has stay, when none were asked for', () => {
    const { see, names } = polling('*');
    see({ queues: ['a'] }, 0);
    see({ jobs: jobs('a'), more: true, queues: [] }, 100);
    expect(names(200)).toEqual(['a']);
  });
});

describe('many queues', () => {
  const all = Array.from({ length: 100 }, (_, i) => `q${String(i).padStart(2, '0')}`);
  /** Those that are looked at because they come next. */
  const behind = (name: string) => all.slice(all.indexOf(name) + 1, all.indexOf(name) + 65);

  test('are not all looked at each time, but once in 50 ms', () => {
    const { see, names } = polling(all.join());
    expect(names(0)).toEqual(all);
    see({ jobs: jobs('q03', 'q07'), more: true }, 0);
    expect(names(49)).toEqual(['q03', 'q07', ...behind('q07')]);
    expect(names(50)).toEqual(all);
  });

  test.each([
    [16, 16],
    [17, 14],
    [100, 65],
  ])('are all looked at where they are few: of %i there are %i', (count, looked) => {
    const { see, names } = polling(all.slice(0, count).join());
    see({ jobs: jobs('q03'), more: true }, 0);
    expect(names(1)).toHaveLength(looked);
  });

  test('those that had jobs stay in their order', () => {
    const { see, names } = polling(all.join());
    see({ jobs: jobs('q07', 'q03', 'q07'), more: true }, 0);
    expect(names(1)).toEqual(['q03', 'q07', ...behind('q07')]);
  });

  // The first look ended when it had enough, so it has not seen the later ones.
  test.each([
    ['nothing', []],
    ['the last jobs', jobs('q03')],
  ])('are all looked at at once, when those that had jobs give %s', (_what, last) => {
    const { see, names } = polling(all.join());
    see({ jobs: jobs(...many('q03', 10)), more: true }, 0);
    expect(see({ jobs: last, more: false }, 10)).toEqual(atOnce);
    expect(names(11)).toEqual(all);
    expect(see({ more: false }, 11)).toEqual(rests('empty', 11));
  });

  test('are looked at in part as long as those give more', () => {
    const { see, names } = polling(all.join());
    see({ jobs: jobs('q03'), more: true }, 0);
    expect(see({ jobs: jobs('q03'), more: true }, 10)).toEqual(atOnce);
    expect(names(11)).toEqual(['q03', ...behind('q03')]);
  });

  test('are gone through in their order where each holds some', () => {
    const { see, names } = polling(all.join());
    see({ jobs: jobs('q00', 'q01'), more: true }, 0);
    see({ jobs: jobs('q02', 'q40'), more: true }, 10);
    expect(names(11)).toEqual(['q00', 'q01', 'q02', 'q40', ...all.slice(41)]);
  });

  test('that are all empty are not looked at once more', () => {
    const { see } = polling(all.join());
    see({ jobs: jobs('q00'), more: true }, 0);
    expect(see({ more: false }, 1)).toEqual(atOnce);
    expect(see({ more: false }, 2)).toEqual(rests('empty', 2));
  });
});

describe('very many queues', () => {
  const all = Array.from({ length: 5_000 }, (_, i) => `q${String(i).padStart(4, '0')}`);
  const from = (place: number, count: number) => all.slice(place, place + count);

  test('that had jobs are looked at, the last 64 of them', () => {
    const { see, names } = polling(all.join());
    see({ jobs: jobs(...from(0, 50).flatMap((name) => many(name, 10))), more: true }, 0);
    see({ jobs: jobs(...from(50, 50).flatMap((name) => many(name, 10))), more: true }, 10);
    expect(names(20)).toEqual(from(36, 64 + 64));
    see({ jobs: jobs('q0040'), more: true }, 30);
    see({ jobs: jobs(...from(100, 50)), more: true }, 40);
    expect(names(50), 'one that had some again stays').toEqual(['q0040', ...from(87, 63), ...from(150, 64)]);
  });

  test('behind them as many are looked at as hold what is wanted, if each holds what the last ones did', () => {
    const { look, see } = polling(all.join());
    see({ jobs: jobs(...from(0, 100).flatMap((name) => many(name, 3))), more: true }, 0);
    expect(look.where(1_200, 10).shares).toHaveLength(64 + 500);
    see({ jobs: jobs(...many('q0200', 500)), more: true }, 10);
    expect(look.where(1_200, 20).shares).toHaveLength(64 + 64);
  });
});

describe('jobs of unknown classes, which are sent on and come round again', () => {
  /** A poller on queues, and looks at them. */
  function sending(queues: string) {
    const { ask, names, see } = polling(queues);
    return {
      ask,
      names,
      /** So many come and are sent on; then the queues hold so many more. */
      send(queue: string, count: number, left: Readonly<Record<string, number>>, now = 0) {
        const sent = jobs(...many(queue, count));
        return see({ jobs: sent, more: true, left: new Map(Object.entries(left)) }, now, sent);
      },
      /** One comes that can run, and so many that are sent on. */
      run(queue: string, unknown = 0) {
        const sent = jobs(...many(queue, unknown));
        return see({ jobs: [...sent, ...jobs(queue)], more: true }, 0, sent);
      },
    };
  }

  test('make it ask what is left', () => {
    const { ask, send } = sending('a,b');
    expect(ask().countLeft).toBe(false);
    send('a', 1, {});
    expect(ask().countLeft).toBe(true);
  });

  test('are all that a queue has when as many were sent on as it holds: it is left alone for the interval', () => {
    const { names, send } = sending('a,b');
    send('a', 10, {});
    expect(names()).toEqual(['a', 'b']);
    send('a', 10, { a: 11, b: 0 }, 1_000);
    expect(names(1_000)).toEqual(['a', 'b']);
    send('a', 10, { a: 20, b: 5 }, 2_000);
    expect(names(2_000)).toEqual(['b']);
    expect(names(2_000 + INTERVAL - 1)).toEqual(['b']);
    expect(names(2_000 + INTERVAL)).toEqual(['a', 'b']);
  });

  test.each([
    [0, ['b']],
    [1, ['b']],
    [2, ['a', 'b']],
  ])('one that was sent on twice, with %i behind it, leaves %j to be looked at', (left, queues) => {
    const { names, send } = sending('a,b');
    send('a', 1, {});
    send('a', 1, { a: left });
    expect(names()).toEqual(queues);
  });

  test('are counted for each queue by itself', () => {
    const { names, send } = sending('a,b,c');
    send('a', 3, {});
    send('b', 5, { a: 3, b: 9 });
    expect(names()).toEqual(['b', 'c']);
    send('b', 5, { b: 5 });
    expect(names()).toEqual(['c']);
  });

  test('are counted anew when one comes that can run, from the same queue', () => {
    const { names, send, run } = sending('a,b');
    send('a', 3, {});
    run('a', 1);
    send('a', 1, { a: 2 });
    expect(names()).toEqual(['a', 'b']);
    send('a', 2, { a: 1 });
    expect(names()).toEqual(['b']);
  });

  test('are counted on when one comes that can run from another', () => {
    const { names, send, run } = sending('a,b');
    send('a', 3, {});
    run('b');
    send('a', 1, { a: 3 });
    expect(names()).toEqual(['b']);
  });

  test('are sent on once more after the interval', () => {
    const { names, send } = sending('a,b');
    send('a', 2, {});
    send('a', 2, { a: 0 });
    send('a', 2, {}, INTERVAL);
    expect(names(INTERVAL)).toEqual(['a', 'b']);
    send('a', 2, { a: 0 }, INTERVAL);
    expect(names(INTERVAL)).toEqual(['b']);
  });

  test('do not hide that the others are empty', () => {
    const { see, names } = polling('a,b');
    const sent = jobs('a');
    see({ jobs: sent, more: true }, 0, sent);
    see({ jobs: sent, more: true, left: new Map([['a', 0]]) }, 0, sent);
    expect(names()).toEqual(['b']);
    expect(see({})).toEqual(rests('empty'));
  });

  test('tell nothing of a queue that was not counted', () => {
    const { names, send } = sending('a,b');
    send('a', 2, {});
    send('a', 2, { b: 0 });
    expect(names()).toEqual(['a', 'b']);
  });
});
