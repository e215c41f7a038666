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
});
