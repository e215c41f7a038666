import { describe, expect, test } from 'vitest';
import type { Broker, DelayedMove, DelayedMoves, DueDelayed } from '../../../shared/broker/broker.ts';
import { RedisTypeError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { destinationOf, promoteDelayed } from '../../../shared/scheduler/promote-delayed.ts';
import { vectors } from '../../helpers/builders.ts';

const NOW = Date.UTC(2026, 10, 20, 20, 29, 37);
const perform = () => {};
const registry = createRegistry([
  defineJob({ class: 'Hello', queue: 'hellos', perform }),
  defineJob({ class: 'NoQueue', perform }),
  defineJob({ class: 'mail:*', queue: 'mails', perform }),
]);

function destination(payload: string | Buffer, given: typeof registry | undefined = registry): DelayedMove {
  return destinationOf(Buffer.from(payload as string), given, NOW);
}

describe('a delayed payload goes to a queue', () => {
  test.each([
    ['{"class":"Hello","args":[],"queue":"named"}', 'named'],
    ['{"class":"Other","queue":"billing:high"}', 'billing:high'],
    ['{"queue":"named"}', 'named'],
    ['{"class":"Hello","args":[]}', 'hellos'],
    ['{"class":"mail:welcome","args":[]}', 'mails'],
    ['{"class":"Hello","queue":""}', 'hellos'],
    ['{"class":"Hello","queue":null}', 'hellos'],
    ['{"class":"Hello","queue":42}', 'hellos'],
    ['{"class":"NoQueue","queue":"named"}', 'named'],
  ])('%s: the one it names, else that of its class', (payload, queue) => {
    expect(destination(payload)).toEqual({ bytes: Buffer.from(payload), to: 'queue', queue });
  });

  const delayed = vectors().filter(({ key }) => key.includes(':delayed:'));

  test.each(delayed)('$producer: $note, without a registry', ({ raw }) => {
    const { queue } = JSON.parse(raw) as { queue: string };
    expect(destinationOf(Buffer.from(raw), undefined, NOW)).toEqual({ bytes: Buffer.from(raw), to: 'queue', queue });
  });

  test('those vectors are some', () => {
    expect(delayed.length).toBeGreaterThanOrEqual(3);
  });
});

describe('a payload that no queue can be found for goes to the failed list, its bytes in the entry', () => {
  test.each([
    [
      '{"class":"Other","args":[1.0]}',
      /^The delayed payload cannot be promoted: it names no queue, and its class "Other" /,
    ],
    ['{"class":"NoQueue"}', /its class "NoQueue" has none defined\.$/],
    ['{"class":"Other","queue":""}', /"Other"/],
    ['{"class":42}', /it names no queue/],
    ['{"args":[]}', /it names no queue/],
    ['[]', /it names no queue/],
    ['null', /it names no queue/],
    ['"Hello"', /it names no queue/],
    ['42', /it names no queue/],
  ])('%s', (payload, error) => {
    const move = destination(payload);
    if (move.to !== 'failed') throw new Error(move.to);
    expect(move.bytes).toEqual(Buffer.from(payload));
    expect(JSON.parse(move.head + payload + move.tail)).toEqual({
      failed_at: '2026/11/20 20:29:37 UTC',
      payload: JSON.parse(payload),
      exception: 'PayloadError',
      error: expect.stringMatching(error),
      backtrace: [],
      worker: '',
      queue: '',
    });
  });

  test('without a registry, though its class has a queue elsewhere', () => {
    expect(destinationOf(Buffer.from('{"class":"Hello"}'), undefined, NOW)).toMatchObject({ to: 'failed' });
  });

  // One payload must not stop the promotion of all others, each time anew.
  test('also if its class is 100,000 levels deep', () => {
    const payload = `{"class":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(destination(payload)).toMatchObject({ to: 'failed' });
  });
});

describe('a payload that is not JSON is buried', () => {
  test.each([
    ['', ''],
    ['not JSON', 'not JSON'],
    ['{"queue":"q"', '{"queue":"q"'],
  ])('%j as text', (payload, text) => {
    const move = destination(payload);
    if (move.to !== 'buried') throw new Error(move.to);
    expect(move.bytes).toEqual(Buffer.from(payload));
    expect(JSON.parse(move.entry)).toMatchObject({
      failed_at: '2026/11/20 20:29:37 UTC',
      payload: text,
      exception: 'PayloadError',
      error: expect.stringMatching(/^The delayed payload cannot be promoted: it is not JSON \(.*\)\.$/),
      worker: '',
      queue: '',
    });
  });

  test('without the data that is in it, in the reason', () => {
    const move = destination('{"password": hunter2}');
    if (move.to !== 'buried') throw new Error(move.to);
    expect(JSON.parse(move.entry).error).not.toContain('hunter2');
  });

  test('that is not UTF-8 with its bytes', () => {
    const bytes = Buffer.from('7b22ff227d', 'hex');
    const move = destination(bytes);
    if (move.to !== 'buried') throw new Error(move.to);
    expect(JSON.parse(move.entry)).toMatchObject({
      payload_base64: bytes.toString('base64'),
      error: expect.stringContaining('not valid UTF-8'),
    });
  });
});

/** Delayed lists by their due times, in order; and the queues, of which some are of another type and take nothing. */
class FakeStore implements Pick<Broker, 'dueDelayed' | 'promoteDelayed'> {
  readonly lists: [time: string, payloads: string[]][];
  /** What moved: `queue: payload`, or the error of a failed entry. */
  readonly moved: string[] = [];
  readonly limits: unknown[] = [];
  readonly broken: readonly string[];
  calls = 0;

  constructor(lists: Readonly<Record<string, readonly string[]>>, broken: readonly string[] = []) {
    this.lists = Object.entries(lists).map(([time, payloads]) => [time, [...payloads]]);
    this.broken = broken;
  }

  async dueDelayed(now: number, limit: number, bytes: number) {
    if (++this.calls > 50) throw new Error('it goes round and round');
    this.limits.push([now, limit, bytes]);
    // Three payloads at once, and the rest of a list that was cut short first.
    let left = 3;
    const due: DueDelayed[] = [];
    for (const [time, payloads] of this.lists) {
      const some = payloads.slice(0, left);
      due.push({ time, payloads: some.map((one) => Buffer.from(one)) });
      left -= some.length;
      if (left === 0) break;
    }
    return due;
  }

  async promoteDelayed(lists: readonly DelayedMoves[]) {
    let [queued, failed] = [0, 0];
    for (const { time, moves } of lists) {
      const [found, payloads = []] = this.lists[0] ?? [];
      expect(time).toBe(found);
      for (const move of moves) {
        const target = move.to === 'queue' ? move.queue : 'failed';
        if (this.broken.includes(target)) return { queued, failed, refused: `WRONGTYPE ${target}` };
        payloads.shift();
        if (move.to === 'queue') queued++;
        else failed++;
        this.moved.push(
          move.to === 'failed' ? JSON.parse(`${move.head}0${move.tail}`).error : `${target}: ${move.bytes}`,
        );
      }
      if (payloads.length === 0) this.lists.shift();
    }
    return { queued, failed, refused: undefined };
  }
}

describe('promoteDelayed', () => {
  const run = (store: FakeStore) => promoteDelayed(store as unknown as Broker, registry, NOW);
  const hello = (n: number) => `{"class":"Hello","args":[${n}]}`;

  test('moves all that is due, list by list, in order', async () => {
    const store = new FakeStore({ 10: [hello(1), hello(2), hello(3)], 20: [], 30: ['{"class":"mail:a"}'] });
    expect(await run(store)).toEqual({ promoted: 4, failed: 0 });
    expect(store.moved).toEqual([1, 2, 3].map((n) => `hellos: ${hello(n)}`).concat('mails: {"class":"mail:a"}'));
    expect(store.lists).toEqual([]);
  });

  test('reads at most 500 payloads and 1 MiB at once', async () => {
    const store = new FakeStore({});
    expect(await run(store)).toEqual({ promoted: 0, failed: 0 });
    expect(store.limits).toEqual([[NOW, 500, 1_048_576]]);
  });

  test('counts what goes to the failed list', async () => {
    const store = new FakeStore({ 10: [hello(1), '{"class":"Other"}', 'not JSON'] });
    expect(await run(store)).toEqual({ promoted: 1, failed: 2 });
  });

  test('sends a payload whose queue does not take it to the failed list, with what Redis said; the others go on', async () => {
    const bad = '{"class":"Other","queue":"bad"}';
    const store = new FakeStore({ 10: [hello(1), bad, hello(2)], 20: [bad, hello(3)] }, ['bad']);
    expect(await run(store)).toEqual({ promoted: 3, failed: 2 });
    const refused = 'The delayed payload cannot be promoted: Redis answered "WRONGTYPE bad".';
    expect(store.moved).toEqual([
      `hellos: ${hello(1)}`,
      refused,
      `hellos: ${hello(2)}`,
      refused,
      `hellos: ${hello(3)}`,
    ]);
  });

  test('says so where nothing can be moved: not even the failed list takes it', async () => {
    const store = new FakeStore({ 10: ['{"class":"Other","queue":"bad"}', hello(1)] }, ['bad', 'failed']);
    await expect(run(store)).rejects.toThrow(
      new RedisTypeError(
        'The failed list did not take a delayed payload: Redis answered "WRONGTYPE failed". Rename or delete that key.',
      ),
    );
    expect(store.moved).toEqual([]);
  });

  test('ends where a list does not change: the next tick looks again', async () => {
    const store = new FakeStore({ 10: [hello(1)] });
    store.promoteDelayed = async () => ({ queued: 0, failed: 0, refused: undefined });
    expect(await run(store)).toEqual({ promoted: 0, failed: 0 });
    expect(store.calls).toBe(2);
  });
});
