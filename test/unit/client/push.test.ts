import { describe, expect, test } from 'vitest';
import type { Argument, Script } from '../../../shared/broker/redis/client.ts';
import { redisWorkerBroker } from '../../../shared/broker/redis/worker.ts';
import { createEnqueuer, type EnqueueItem } from '../../../shared/client/enqueuer.ts';
import { CHUNK_CHARACTERS, CHUNK_JOBS, push } from '../../../shared/client/push.ts';
import { PartlyEnqueuedError } from '../../../shared/errors.ts';
import type { Enqueued } from '../../../shared/job/enqueue.ts';
import { FakeStore } from '../../helpers/fake-broker.ts';

const LATER = 2_000_000_000;

type Given = Partial<Pick<Enqueued, 'queue' | 'payload'>> & { readonly seconds?: number };
const jobs = (n: number, of: (i: number) => Given = () => ({})): Enqueued[] =>
  Array.from({ length: n }, (_, i) => {
    const { queue = 'q', payload = `${i}`, seconds } = of(i);
    return {
      id: undefined,
      queue,
      payload,
      duplicate: false,
      at: seconds === undefined ? undefined : new Date(1000 * seconds),
    };
  });

const sizes = (calls: readonly (readonly unknown[])[]) => calls.map((call) => call.length);

describe('requests', () => {
  test.each([
    [1, [1]],
    [CHUNK_JOBS, [CHUNK_JOBS]],
    [CHUNK_JOBS + 1, [CHUNK_JOBS, 1]],
    [3 * CHUNK_JOBS, [CHUNK_JOBS, CHUNK_JOBS, CHUNK_JOBS]],
  ])('%i small jobs', async (n, expected) => {
    const store = new FakeStore();
    await push(store, jobs(n));
    expect(sizes(store.pushes)).toEqual(expected);
    expect(store.pushes.flat().map(({ payload }) => payload)).toEqual(jobs(n).map(({ payload }) => payload));
  });

  test('are bounded by the size of the payloads, and of many names of queues', async () => {
    const store = new FakeStore();
    await push(
      store,
      jobs(10, () => ({ payload: 'x'.repeat(CHUNK_CHARACTERS / 4 - 1) })),
    );
    expect(sizes(store.pushes)).toEqual([4, 4, 2]);
    const other = new FakeStore();
    await push(
      other,
      jobs(10, (i) => ({ queue: `${i}`.repeat(CHUNK_CHARACTERS / 4) })),
    );
    expect(sizes(other.pushes)).toEqual([3, 3, 3, 1]);
  });

  test('hold a payload that is too large for that alone, wherever it stands', async () => {
    const store = new FakeStore();
    const huge = 'x'.repeat(3 * CHUNK_CHARACTERS);
    await push(
      store,
      jobs(6, (i) => (i === 0 || i === 3 ? { payload: huge } : {})),
    );
    expect(sizes(store.pushes)).toEqual([1, 2, 1, 2]);
  });

  test('are one for what is due and one for what is not, of the same items', async () => {
    const store = new FakeStore();
    const all = jobs(CHUNK_JOBS + 4, (i) => (i % 2 ? { seconds: LATER + i } : {}));
    await push(store, all);
    expect([sizes(store.pushes), sizes(store.delays)]).toEqual([
      [CHUNK_JOBS / 2, 2],
      [CHUNK_JOBS / 2, 2],
    ]);
    expect(store.delays.flat().map(({ payload }) => payload)).toEqual(
      all.filter(({ at }) => at).map(({ payload }) => payload),
    );
  });

  test('follow one another, so that a queue keeps its order', async () => {
    let underWay = 0;
    let most = 0;
    const store = new FakeStore();
    const enqueue = store.enqueue.bind(store);
    store.enqueue = async (some) => {
      most = Math.max(most, ++underWay);
      await enqueue(some);
      underWay--;
    };
    await push(store, jobs(4 * CHUNK_JOBS));
    expect(most).toBe(1);
  });
});

/** What REST sends for a script: the largest request so far, in bytes. */
class Measuring {
  largest = 0;
  readonly address = 'nowhere';
  async command(): Promise<null> {
    return null;
  }
  async script(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<null> {
    const body = JSON.stringify(['EVAL', script.lua, keys.length, ...keys, ...args]);
    this.largest = Math.max(this.largest, Buffer.byteLength(body));
    return null;
  }
  async close(): Promise<void> {}
}

describe('no request comes near the 10 MB that Upstash takes', () => {
  const kinds = { quotes: '"', 'control characters': '\u0001', 'wide characters': '☃', letters: 'x' };
  test.each(
    Object.entries(kinds).flatMap(([name, character]) =>
      [100, 29_000, 900_000].flatMap((size) =>
        [undefined, LATER].map((seconds) => ({ name, character, size, seconds })),
      ),
    ),
  )('$name, $size bytes each, due at $seconds', async ({ character, size, seconds }) => {
    const client = new Measuring();
    const args = JSON.stringify([character.repeat(size / JSON.stringify(character).length)]);
    const n = Math.min(2 * CHUNK_JOBS, Math.ceil((3 * CHUNK_CHARACTERS) / args.length));
    await push(
      redisWorkerBroker(client, 'resque:'),
      jobs(n, () => ({ payload: `{"class":"A","args":${args}}`, ...(seconds === undefined ? {} : { seconds }) })),
    );
    expect(client.largest).toBeGreaterThan(100_000);
    expect(client.largest).toBeLessThan(7_000_000);
  });
});

describe('where Redis fails', () => {
  /** Fails at the given calls, counted from 1. */
  class Failing extends FakeStore {
    readonly #at: readonly number[];
    #calls = 0;
    constructor(at: readonly number[]) {
      super();
      this.#at = at;
    }
    override async enqueue(some: Parameters<FakeStore['enqueue']>[0]): Promise<void> {
      if (this.#at.includes(++this.#calls)) throw new Error('Redis is away.');
      await super.enqueue(some);
    }
  }

  test('at once, its own error says so', async () => {
    await expect(push(new Failing([1]), jobs(2 * CHUNK_JOBS))).rejects.toThrow(new Error('Redis is away.'));
  });

  test('later, the error says how many of the first were pushed; to go on behind them pushes each once', async () => {
    const store = new Failing([3]);
    const all = jobs(4 * CHUNK_JOBS);
    const error = await push(store, all).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PartlyEnqueuedError);
    expect(error).toMatchObject({ pushed: 2 * CHUNK_JOBS, total: 4 * CHUNK_JOBS, cause: new Error('Redis is away.') });

    await push(store, all.slice((error as PartlyEnqueuedError).pushed));
    expect(store.pushes.flat().map(({ payload }) => payload)).toEqual(all.map(({ payload }) => payload));
  });

  test('with one of two kinds, it waits for the other before it says so', async () => {
    const store = new Failing([1]);
    const { promise, resolve } = Promise.withResolvers<void>();
    store.enqueueDelayed = () => promise;
    let ended = false;
    const pushed = push(store, [...jobs(1), ...jobs(1, () => ({ seconds: LATER }))]).catch((error: unknown) => {
      ended = true;
      return error;
    });
    await new Promise(setImmediate);
    expect(ended).toBe(false);
    resolve();
    expect(await pushed).toEqual(new Error('Redis is away.'));
  });
});

test('enqueueAll takes a quarter of a million jobs, in an on-demand system too', async () => {
  const store = new FakeStore();
  const due: number[] = [];
  const client = createEnqueuer({ metadata: true, store, now: () => 1_000, onDue: (at) => void due.push(at) });
  const items: EnqueueItem[] = Array.from({ length: 250_000 }, (_, i) => ({ job: 'A', args: [i], queue: `q${i % 3}` }));
  const enqueued = await client.enqueueAll(items);
  expect(enqueued).toHaveLength(250_000);
  expect(store.pushes).toHaveLength(250_000 / CHUNK_JOBS);
  expect(store.pushes.flat().map(({ payload }) => payload)).toEqual(enqueued.map(({ payload }) => payload));
  expect(due).toEqual([1_000]);
});
