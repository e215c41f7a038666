import { expect, test } from 'vitest';
import { type AnyJobDefinition, defineJob } from '../../../shared/job/define.ts';
import { defineBatchJob } from '../../../shared/job/define-batch-job.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import type { Outcome, RawJob } from '../../../shared/types.ts';
import { Admissions } from '../../../shared/worker/admissions.ts';
import { Batches } from '../../../shared/worker/batches.ts';
import { bind } from '../../../shared/worker/bind.ts';
import { Gates } from '../../../shared/worker/gates.ts';
import type { JobEnds } from '../../../shared/worker/job-ends.ts';
import { Orders } from '../../../shared/worker/orders.ts';
import { PrefetchBuffer } from '../../../shared/worker/prefetch-buffer.ts';
import { Starter } from '../../../shared/worker/starter.ts';
import type { Parts } from '../../../shared/worker/wiring.ts';
import { rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const perform = () => {};
const Limited = defineJob({ class: 'Limited', limit: { running: 1 }, perform });

/** What decides of starts; the parts to which it hands jobs only note them. */
function starterOf(job: AnyJobDefinition) {
  const clock = new ManualClock();
  let now = () => clock.now();
  const orders = new Orders(() => now());
  const gates = new Gates({ clock, orders, timeout: 60_000, isSerial: () => false });
  const buffer = new PrefetchBuffer();
  const batches = new Batches(clock);
  const noted = { released: [] as RawJob[], started: [] as RawJob[], ended: [] as [Outcome['kind'], string[]][] };
  const note = (...bounds: readonly { job: { raw: RawJob } }[]) =>
    noted.started.push(...bounds.map((one) => one.job.raw));
  const parts = {
    clock,
    orders,
    gates,
    buffer,
    batches,
    running: {
      free: 5,
      abortSome() {},
      start: note,
      startBatch: (all: readonly { job: { raw: RawJob } }[]) => note(...all),
    },
    syncer: { isShort: () => false },
    yieldTimer: { isOver: () => false },
    pending: { release: (raws: RawJob[]) => noted.released.push(...raws), started() {} },
    reporter: { released() {} },
    poller: { reset() {} },
    prefetch: { jobStarted() {} },
    serial: { has: () => false },
  } as unknown as Parts;
  const ends = {
    finish: ({ raw }: { raw: RawJob }, { kind }: Outcome) =>
      noted.ended.push([kind, gates.of(raw).map(({ name, unused }) => `${name} ${unused}`)]),
    left: (raw: RawJob) => gates.left(raw),
  } as unknown as JobEnds;
  const registry = createRegistry([job]);
  const options = { numbers: 'double', unknownClass: 'release' } as const;
  const bindTo = (raw: RawJob) => {
    const bound = bind(raw, 'token', { registry, options, now: () => now(), orders });
    return 'handler' in bound ? bound : undefined;
  };
  const starter = new Starter(parts, new Admissions(clock, parts, ends, { lost: 0 }), ends, bindTo, () => now());
  /** It is looked into when it comes. */
  const accept = (fields: object = {}) => {
    const raw = rawJob(JSON.stringify({ class: job.class, args: [], ...fields }));
    const bound = bindTo(raw);
    if (bound) buffer.add(bound, clock.now());
    return raw;
  };
  const setNow = (time: () => number) => {
    now = time;
  };
  return { clock, orders, gates, buffer, batches, noted, starter, accept, setNow };
}

const order = (given: { pausedClasses?: string[]; cancelled?: { id: string; until: number; reason: string }[] }) => ({
  pausedClasses: [],
  cancelled: [],
  limitedQueues: [],
  ...given,
});

test('what an order takes out of its waiting, and is over before it is looked into, may start still', () => {
  const { clock, orders, gates, buffer, starter, accept, setNow } = starterOf(Limited);
  const raw = accept({ id: 'one' });
  starter.startWaiting();
  expect(gates.size).toBe(1);
  const until = clock.now() + 10;
  orders.update(order({ cancelled: [{ id: 'one', until, reason: 'late' }] }));
  let looks = 0;
  setNow(() => (looks++ === 0 ? until - 1 : until));
  starter.cancelled();
  const held: RawJob[] = [];
  gates.forEach((one) => void held.push(one));
  buffer.forEach((one) => void held.push(one));
  expect(held).toEqual([raw]);
});

test('a job that was looked into and ends before it asks gives back the place that is kept for it', async () => {
  const { clock, noted, starter, accept } = starterOf(Limited);
  accept({ control: { expires: clock.now() + 10 } });
  await clock.advance(10);
  starter.startWaiting();
  expect(noted.ended).toEqual([['discarded', ['class:Limited true']]]);
});

test.each([
  ['by itself', defineJob({ class: 'Paused', perform }), false],
  ['with others', defineBatchJob({ class: 'Paused', batch: { size: 2 }, performAll: perform }), true],
])(
  'a job of a class that was paused since it was looked into asks, and is parked: it runs %s',
  async (_, job, batch) => {
    const { clock, orders, gates, noted, starter, accept } = starterOf(job);
    const raw = accept();
    if (batch) starter.startWaiting();
    orders.update(order({ pausedClasses: ['Paused'] }));
    await clock.advance(60_000);
    starter.startWaiting();
    expect(noted).toEqual({ started: [], released: [], ended: [] });
    expect(gates.plan()?.jobs.map((one) => one.raw)).toEqual([raw]);
  },
);

test('a job that had its leave goes back where its class is paused before it starts', () => {
  const { orders, gates, buffer, noted, clock, starter, accept } = starterOf(Limited);
  const raw = accept();
  starter.startWaiting();
  gates.plan();
  const [admitted] = gates.answered(['admitted']);
  if (admitted) buffer.addFirst(admitted.bound, clock.now());
  orders.update(order({ pausedClasses: ['Limited'] }));
  starter.startWaiting();
  expect(noted).toEqual({ started: [], released: [raw], ended: [] });
});
