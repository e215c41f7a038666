import { describe, expect, test } from 'vitest';
import type { SyncReply } from '../../../shared/broker/broker.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { QueuePoller } from '../../../shared/worker/queue-poller.ts';
import { syncReply } from '../../helpers/builders.ts';
import { atOnce, INTERVAL, jobs, polling, rests } from './queue-poller-scene.ts';

describe('suspects that were passed over', () => {
  test.each<[string, Partial<SyncReply['passedOver']>]>([
    ['for want of a place', { forPlace: 2 }],
    ['since they have to run alone', { forWorker: 1 }],
  ])('%s, where there was nothing else: looked at again soon; the queues are not said to be empty', (_why, given) => {
    const { see, look } = polling();
    const passedOver = { forPlace: 0, forWorker: 0, ...given };
    expect(see({ passedOver }, 1_000)).toEqual({ found: undefined, restUntil: 1_250 });
    expect(see({ passedOver }, 1_250)).toEqual({ found: undefined, restUntil: 1_500 });
    expect(see({}, 1_500)).toEqual(rests('empty', 1_500));
    look.reset();
    expect(look).toMatchObject(atOnce);
  });

  test('beside others that came are no reason to rest', () => {
    const passedOver = { forPlace: 1, forWorker: 1 };
    expect(polling().see({ jobs: jobs('a'), passedOver }, 1_000)).toEqual(atOnce);
  });

  test('are looked at no later than after the interval', () => {
    const look = new QueuePoller(parseQueues('a'), 100);
    look.looked(look.where(1, 0), syncReply({ passedOver: { forPlace: 1, forWorker: 0 } }), 0);
    expect(look.restUntil).toBe(100);
  });

  test('while all workers are paused are not seen: told as paused', () => {
    expect(polling().see({ paused: true }, 1_000)).toEqual(rests('paused', 1_000));
  });
});

describe('serial queues', () => {
  const serial = (queue: string, more: boolean) => ({ serial: [{ queue, more }] });

  test('that another worker holds are not empty; looked at again after the interval', () => {
    expect(polling().see({ heldElsewhere: true }, 1_000)).toEqual(rests('held elsewhere', 1_000));
    expect(polling().see({ heldElsewhere: true, more: true }, 1_000)).toEqual(atOnce);
    expect(polling().see({ heldElsewhere: true, paused: true }, 1_000)).toEqual(rests('paused', 1_000));
  });

  test('that have more than was asked for are remembered: nothing is said to be empty', () => {
    const { see, look } = polling();
    expect(see({ jobs: jobs('a'), ...serial('a', true) }, 0)).toMatchObject({ found: undefined, restUntil: INTERVAL });
    expect([...look.serialMore]).toEqual(['a']);
    see(serial('a', false), 100);
    expect([...look.serialMore]).toEqual([]);
    expect(look.found).toBe('empty');
  });

  test('that have more are looked at while all others rest, and only they', () => {
    const { see, ask } = polling('a,b,c');
    see(serial('b', true), 0);
    expect(ask(INTERVAL - 1)).toEqual({ shares: [{ queue: 'b', limit: 10 }], listQueues: false, countLeft: false });
    expect(ask(INTERVAL).shares).toHaveLength(3);
  });

  test('looked at alone tell nothing of the others: the rest of those goes on', () => {
    const { see } = polling();
    see(serial('a', true), 0);
    expect(see({ jobs: jobs('a'), ...serial('a', true), more: true }, 1_000).restUntil).toBe(INTERVAL);
  });

  // A database far away answers when the others' rest is over: they have to be looked at then.
  test('looked at alone tell nothing of the others, also when their rest ended meanwhile', () => {
    const { see, look, names } = polling('a,b');
    see(serial('a', true), 0);
    const asked = look.where(10, INTERVAL - 1);
    look.looked(asked, syncReply({ jobs: jobs('a'), ...serial('a', true) }), INTERVAL + 50);
    expect(look.restUntil).toBe(INTERVAL);
    expect(names(INTERVAL + 51)).toEqual(['a', 'b']);
  });

  test('looked at alone tell nothing of the others, also when jobs went back to those meanwhile', () => {
    const { see, look } = polling('a,b');
    see(serial('a', true), 0);
    const asked = look.where(10, 1_000);
    look.reset();
    look.looked(asked, syncReply({ ...serial('a', false) }), 1_001);
    expect(look).toMatchObject(atOnce);
  });
});

test('whether a look leaves queues out is known', () => {
  const all = Array.from({ length: 100 }, (_, i) => `q${String(i).padStart(2, '0')}`);
  const { see, look, ask } = polling(all.join());
  ask(0);
  expect(look.looksAtAll).toBe(true);
  see({ jobs: jobs('q03'), more: true }, 0);
  ask(1);
  expect(look.looksAtAll).toBe(false);
  ask(50);
  expect(look.looksAtAll).toBe(true);
  const few = polling('a,b');
  expect(few.look.looksAtAll).toBe(true);
  few.see({ serial: [{ queue: 'a', more: true }] }, 0);
  few.ask(1);
  expect(few.look.looksAtAll).toBe(false);
});
