import { describe, expect, test } from 'vitest';
import type {
  DelayedMove,
  DelayedMoves,
  DueList,
  MovedList,
  SchedulerBroker,
  WrongKey,
} from '../../../shared/broker/broker.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { silentLogger } from '../../../shared/log.ts';
import { destinationOf, refusedBy } from '../../../shared/scheduler/delayed-destination.ts';
import { promoteDelayedStep } from '../../../shared/scheduler/promote-delayed.ts';
import { vectors } from '../../helpers/builders.ts';
import { runStep } from '../../helpers/scheduler/run-step.ts';

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
    expect(destination(payload)).toMatchObject({ to: 'buried' });
  });
});

describe('a payload that is no JSON of an object is buried', () => {
  test.each(['[]', '[{"class":"Echo"}]', 'null', '"Hello"', '42', 'true'])(
    '%s as text, which resque-web can show',
    (payload) => {
      const move = destination(payload);
      if (move.to !== 'buried') throw new Error(move.to);
      expect(JSON.parse(move.entry)).toMatchObject({
        payload,
        error: 'The delayed payload cannot be promoted: it is no object with "class" and "args".',
      });
    },
  );

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

  test.each([
    ['text', Buffer.from(`"${'\u0001'.repeat(2_000_000)}`)],
    ['bytes', Buffer.alloc(3_000_000, 0xff)],
    ['more bytes than any entry has', Buffer.alloc(9_000_000, 'x')],
  ])('shortened, with a note, where the whole would not pass in a request: %s', (_what, bytes) => {
    const move = destination(bytes);
    if (move.to !== 'buried') throw new Error(move.to);
    expect(Buffer.byteLength(move.entry)).toBeLessThan(1_000_000);
    const { error } = JSON.parse(move.entry) as { error: string };
    expect(error).toContain(`of its ${bytes.length} bytes only the first 65536 are kept here`);
  });
});

test('a queue whose name is no Unicode would be another one in Redis', () => {
  const move = destination('{"class":"Other","queue":"\\ud800"}');
  // At which Ruby's page would end.
  if (move.to !== 'buried') throw new Error(move.to);
  expect(JSON.parse(move.entry).error).toContain('is not valid Unicode');
});

test('what its queue refuses is shown as text as well, where Ruby’s page would end', () => {
  const refused = (args: string) => refusedBy('q', 'WRONGTYPE', Buffer.from(`{"class":"A","args":${args}}`), 0).to;
  expect([refused('["\\ud83d"]'), refused('[1.0]')]).toEqual(['buried', 'failed']);
});

/** Delayed lists by their due times, in order; and the keys of another type, which take nothing. */
class FakeStore implements Pick<SchedulerBroker, 'dueTimes' | 'dueDelayed' | 'readDelayed' | 'promoteDelayed'> {
  readonly lists: [time: string, payloads: string[] | undefined][];
  /** What moved: `queue: payload`, or the error of a failed entry. */
  readonly moved: string[] = [];
  readonly limits: unknown[] = [];
  readonly broken: readonly string[];
  calls = 0;
  /** Others have changed each list since it was read. */
  changing = false;

  /** @param lists undefined for what is no list */
  constructor(lists: Readonly<Record<string, readonly string[] | undefined>>, broken: readonly string[] = []) {
    this.lists = Object.entries(lists).map(([time, payloads]) => [time, payloads && [...payloads]]);
    this.broken = broken;
  }

  async dueTimes() {
    return { now: NOW, leaseEnd: undefined, retry: undefined, delayed: 10_000, wrong: [] };
  }

  async dueDelayed(limit: number, passed = 0) {
    if (++this.calls > 50) throw new Error('it goes round and round');
    return { times: this.lists.slice(passed, passed + limit).map(([time]) => time), passedOver: 0, wrong: [] };
  }

  async readDelayed(lists: readonly DueList[], limit: number, bytes: number) {
    this.limits.push([limit, bytes]);
    // Three payloads at once, and the rest of a list that was cut short first.
    let left = 3;
    return lists.flatMap(({ time, passed = 0 }) => {
      if (left === 0) return [];
      const payloads = this.#list(time);
      if (!payloads) return [{ time, payloads: [], wrong: { key: `delayed:${time}`, error: 'WRONGTYPE' } }];
      const some = payloads.slice(passed, passed + left);
      left -= some.length;
      return [{ time, payloads: some.map((one) => Buffer.from(one)) }];
    });
  }

  async promoteDelayed(plans: readonly DelayedMoves[]) {
    let [queued, failed] = [0, 0];
    const lists: MovedList[] = [];
    for (const { time, passed = 0, moves } of plans) {
      const payloads = this.#list(time) ?? [];
      const refused = new Map<number, WrongKey>();
      const gone = new Set<number>();
      for (const [i, move] of this.changing ? [] : moves.entries()) {
        expect(payloads[passed + i]).toBe(String(move.bytes));
        if (move.to === 'nowhere') continue;
        const target = move.to === 'queue' ? move.queue : 'failed';
        if (this.broken.includes(target)) {
          refused.set(i, { key: target, error: `WRONGTYPE ${target}` });
          continue;
        }
        gone.add(passed + i);
        if (move.to === 'queue') queued++;
        else failed++;
        this.moved.push(
          move.to === 'failed' ? JSON.parse(`${move.head}0${move.tail}`).error : `${target}: ${move.bytes}`,
        );
      }
      payloads.splice(0, payloads.length, ...payloads.filter((_, i) => !gone.has(i)));
      const isGone = payloads.length === 0 && this.#list(time) !== undefined;
      lists.push({ left: payloads.length, changed: this.changing, scheduled: !isGone, refused });
      if (this.changing) break;
      if (isGone)
        this.lists.splice(
          this.lists.findIndex(([one]) => one === time),
          1,
        );
    }
    return { queued, failed, lists, wrong: [] };
  }

  #list(time: string): string[] | undefined {
    return this.lists.find(([one]) => one === time)?.[1];
  }
}

describe('promoting delayed jobs', () => {
  async function run(store: FakeStore) {
    const broker = store as unknown as SchedulerBroker;
    const { promoted, failed, told } = await runStep(promoteDelayedStep(broker, registry, silentLogger), broker);
    return { promoted, failed, told };
  }
  const hello = (n: number) => `{"class":"Hello","args":[${n}]}`;

  test('moves all that is due, list by list, in order', async () => {
    const store = new FakeStore({ 10: [hello(1), hello(2), hello(3)], 20: [], 30: ['{"class":"mail:a"}'] });
    expect(await run(store)).toEqual({ promoted: 4, failed: 0, told: [] });
    expect(store.moved).toEqual([1, 2, 3].map((n) => `hellos: ${hello(n)}`).concat('mails: {"class":"mail:a"}'));
    expect(store.lists).toEqual([]);
  });

  test('reads at most 1,000 payloads and 1 MiB at once', async () => {
    const store = new FakeStore({ 10: [hello(1)] });
    await run(store);
    expect(store.limits).toEqual([[1_000, 1_048_576]]);
  });

  test('counts what goes to the failed list', async () => {
    const store = new FakeStore({ 10: [hello(1), '{"class":"Other"}', 'not JSON'] });
    expect(await run(store)).toMatchObject({ promoted: 1, failed: 2 });
  });

  test('sends a payload whose queue does not take it to the failed list, with what Redis said; the others go on', async () => {
    const bad = '{"class":"Other","queue":"bad"}';
    const store = new FakeStore({ 10: [hello(1), bad, hello(2)], 20: [bad, hello(3)] }, ['bad']);
    expect(await run(store)).toMatchObject({ promoted: 3, failed: 2 });
    const refused = 'The delayed payload cannot be promoted: Redis answered "WRONGTYPE bad".';
    expect(store.moved.toSorted()).toEqual([refused, refused, ...[1, 2, 3].map((n) => `hellos: ${hello(n)}`)]);
    expect(store.lists).toEqual([]);
  });

  test('leaves what not even the failed list takes, and goes on with what is behind it', async () => {
    const stuck = ['{"class":"Other","queue":"bad"}', 'not JSON'];
    const store = new FakeStore({ 10: [stuck[0] ?? '', hello(1), stuck[1] ?? '', hello(2)], 20: [hello(3)] }, [
      'bad',
      'failed',
    ]);
    expect(await run(store)).toMatchObject({ promoted: 3, failed: 0 });
    expect(store.lists).toEqual([['10', stuck]]);
  });

  test('passes over what is no list, and tells its key', async () => {
    const store = new FakeStore({ 10: undefined, 20: [hello(1)], 30: undefined, 40: [hello(2)] });
    expect(await run(store)).toEqual({
      promoted: 2,
      failed: 0,
      told: ['delayed:10: WRONGTYPE', 'delayed:30: WRONGTYPE'],
    });
    expect(store.lists).toEqual([
      ['10', undefined],
      ['30', undefined],
    ]);
  });

  test('leaves lists that others change again and again to them', async () => {
    const store = new FakeStore({ 10: [hello(1)] });
    store.changing = true;
    expect(await run(store)).toMatchObject({ promoted: 0, failed: 0 });
    expect(store.calls).toBe(20);
  });
});
