import { beforeEach, describe, expect, test } from 'vitest';
import { createEnqueuer, type Enqueuer } from '../../../shared/client/enqueuer.ts';
import { RedisAuthError, RedisUnavailableError } from '../../../shared/errors.ts';
import { FakeStore } from '../../helpers/fake-broker.ts';

/** Redis's time; the producer's clocks start elsewhere. Milliseconds. */
const REDIS = 1_900_000_000_000;
const MINUTE = 60_000;

/** What passes on every clock, and what somebody set the producer's wall clock to. */
let passed: number;
let wall: number;
let store: FakeStore;
let client: Enqueuer;

beforeEach(() => {
  passed = 0;
  wall = REDIS - 86_400_000;
  store = new FakeStore(() => REDIS + passed);
  client = createEnqueuer({
    metadata: true,
    store,
    clock: { now: () => 5_000 + passed },
    wallClock: () => wall + passed,
  });
});

const dueSeconds = () => store.delays.flat().map(({ seconds }) => seconds - REDIS / 1000);

describe("a producer whose clock is a day behind Redis's", () => {
  test('enqueues in seconds from now on', async () => {
    await client.enqueue('A', [], { queue: 'q', in: '30s' });
    expect(dueSeconds()).toEqual([30]);
  });

  test("compares a time with Redis's", async () => {
    await client.enqueue('A', [], { queue: 'q', at: new Date(REDIS - 1_000) });
    await client.enqueue('A', [], { queue: 'q', at: new Date(REDIS + 1_000) });
    await client.enqueueAll([{ job: 'A', args: [], queue: 'q', at: new Date(REDIS - MINUTE) }]);
    expect(store.pushes).toHaveLength(2);
    expect(dueSeconds()).toEqual([1]);
  });

  test('writes its own time into queue_time, as php-resque does', async () => {
    const { payload } = await client.enqueue('A', [], { queue: 'q', in: '30s' });
    expect(JSON.parse(payload)).toMatchObject({ queue_time: wall / 1000 });
  });
});

describe('Redis is asked', () => {
  test('never for a job that is due now', async () => {
    await client.enqueue('A', [], { queue: 'q' });
    await client.enqueueAll([{ job: 'A', args: [], queue: 'q' }]);
    expect(store.asked).toBe(0);
  });

  test('once for many delayed ones, also at the same time', async () => {
    const some = [1, 2, 3].map((seconds) => client.enqueue('A', [], { queue: 'q', in: seconds * 1000 }));
    await Promise.all(some);
    passed += 10_000;
    await client.enqueue('A', [], { queue: 'q', in: '5s' });
    expect(dueSeconds()).toEqual([1, 2, 3, 15]);
    expect(store.asked).toBe(1);
  });

  test('again after five minutes', async () => {
    await client.enqueue('A', [], { queue: 'q', in: '1s' });
    passed += 5 * MINUTE - 1;
    await client.enqueue('A', [], { queue: 'q', in: '1s' });
    expect(store.asked).toBe(1);
    passed += 1;
    await client.enqueue('A', [], { queue: 'q', in: '1s' });
    expect(store.asked).toBe(2);
    expect(dueSeconds()).toEqual([1, 300, 301]);
  });

  test.each([-86_400_000, 3_600_000])(
    'again once the wall clock was set by %i ms, or the machine slept',
    async (by) => {
      await client.enqueue('A', [], { queue: 'q', in: '1s' });
      wall += by;
      await client.enqueue('A', [], { queue: 'q', in: '1s' });
      await client.enqueue('A', [], { queue: 'q', in: '1s' });
      expect(store.asked).toBe(2);
      expect(dueSeconds()).toEqual([1, 1, 1]);
    },
  );

  test('never by a client that is told the time', async () => {
    const worker = createEnqueuer({ metadata: true, store, now: () => REDIS + 500 });
    await worker.enqueue('A', [], { queue: 'q', in: '30s' });
    await worker.enqueue('A', [], { queue: 'q', at: new Date(REDIS) });
    expect([dueSeconds(), store.pushes.length, store.asked]).toEqual([[30], 1, 0]);
  });
});

test('an answer that was long on its way makes jobs late, never early', async () => {
  store.time = async () => {
    // The request was held for long, and then answered at once.
    passed += 5_000;
    return REDIS + passed;
  };
  await client.enqueue('A', [], { queue: 'q', at: new Date(REDIS + 6_000) });
  await client.enqueue('A', [], { queue: 'q', in: '1s' });
  expect(dueSeconds()).toEqual([6, 6]);
});

describe('where Redis does not tell its time', () => {
  test('the producer goes by its own', async () => {
    store.time = () => Promise.reject(new RedisAuthError('NOPERM'));
    await client.enqueue('A', [], { queue: 'q', in: '30s' });
    expect(dueSeconds()).toEqual([30 - 86_400]);
  });

  test('since it is away, nothing is enqueued, and it is asked again', async () => {
    const time = store.time.bind(store);
    store.time = () => Promise.reject(new RedisUnavailableError('away'));
    await expect(client.enqueue('A', [], { queue: 'q', in: '30s' })).rejects.toThrow(RedisUnavailableError);
    store.time = time;
    await client.enqueue('A', [], { queue: 'q', in: '30s' });
    expect(dueSeconds()).toEqual([30]);
  });
});
