import type { FlowLists } from '../../flow-mark.ts';
import type { RawJob, Settlement } from '../../types.ts';
import type { Admission, AdmissionRequest, LimitedQueue, Orders } from '../admission.ts';
import type { Reservation, SyncReply, SyncRequest, WorkerBroker, WorkerPlace } from '../broker.ts';
import { queueGate, ruleText } from '../gate.ts';
import type { Keys } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeEffects, encodeSettlement, fieldOf, isPlainDone, isPlainRelease } from '../ops/operation.ts';
import { StatSums } from '../ops/stats.ts';
import { ADMISSION } from '../scripts/admit.ts';
import { ALONE } from '../scripts/reserve.ts';
import { LEASE_LOST, NO_PLACE, syncScript, WRITES_LOST } from '../scripts/sync.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { jobsOf } from './payload-chunks.ts';
import { startMember } from './starts.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** `sync`: a request as the script's arguments, and its answer as jobs. */
export function syncOf(script: RedisClient['script'], keys: Keys): WorkerBroker['sync'] {
  return async (request) => {
    const { call, ...settled } = callOf(request, keys);
    return resultOf(list(await script(syncScript, call.keys, call.args)), request, settled, keys);
  };
}

/** What a call settles, in the groups in which its script takes it. */
interface Settled {
  /** Jobs given back to the heads of their queues. */
  readonly released: readonly (readonly Settlement[])[];
  readonly others: readonly Settlement[];
}

function callOf(request: SyncRequest, keys: Keys): Settled & { readonly call: ScriptCall } {
  const { worker, workingOn, effects = [], letGo = [] } = request;
  const call = new ScriptCall([
    keys.inflight(worker),
    keys.leases,
    keys.paused,
    keys.workers,
    keys.worker(worker),
    keys.workerStarted(worker),
    keys.heartbeats,
    keys.stat('processed'),
    keys.stat('processed', worker),
    keys.stat('failed'),
    keys.stat('failed', worker),
    keys.failed,
    keys.retry,
    keys.retryPayloads,
    keys.queues,
    keys.serial,
    keys.pausedQueues,
    keys.control,
    keys.parked,
    keys.failedQueues,
  ]);
  call.add(worker, Math.ceil(request.lease), request.call, request.register ? 1 : 0, request.heartbeat ? 1 : 0);
  addPlace(call, request.place, keys);
  // Nearly all of them are of these two kinds: one short text stands for a thousand.
  const done = new Map<string, number[]>();
  const released = new Map<string, Settlement[]>();
  const unordered: Settlement[] = [];
  const stats = new StatSums(request.ran);
  // Mostly of the same queue as the one before.
  let last: string | undefined;
  let seqs: number[] = [];
  for (const settlement of request.settle) {
    const { queue, seq } = settlement.raw;
    if (isPlainDone(settlement)) {
      if (queue !== last) seqs = groupOf(done, queue);
      last = queue;
      seqs.push(seq);
    } else if (isPlainRelease(settlement)) groupOf(released, queue).push(settlement);
    else unordered.push(settlement);
  }
  call.add(done.size);
  for (const [queue, seqs] of done) call.add(queue, rangesOf(seqs));
  call.add(released.size);
  for (const [queue, settlements] of released) {
    call.add(call.key(keys.queue(queue)), queue, rangesOf(settlements.map(({ raw }) => raw.seq)));
  }
  const others = inReleaseOrder(unordered);
  call.add(others.length);
  for (const one of others) encodeSettlement(one, call, { raw: one.raw, worker, keys }, stats);
  stats.encode(call, keys, request.now);
  encodeEffects(effects, call, keys);
  if (workingOn) call.add(fieldOf(workingOn.raw, workingOn.marked), workingOn.head, workingOn.tail);
  else call.add(workingOn === null ? '' : '-', '', '');
  call.add(letGo.length, ...letGo);
  call.add(request.paces?.length ?? 0);
  for (const { class: name, share, took } of request.paces ?? []) call.add(call.key(keys.paces), name, share, took);
  addAdmission(call, request.admit, keys);
  addLimited(call, request.limited ?? [], keys);
  addReservation(call, request.reserve, keys);
  return { call, released: [...released.values()], others };
}

function addPlace(call: ScriptCall, place: WorkerPlace | undefined, keys: Keys): void {
  const { maxWorkers = 0, start } = place ?? {};
  if (start) call.add(maxWorkers, call.key(keys.starts(start.system)), startMember(start));
  else call.add(maxWorkers, 0, '');
}

function groupOf<Value>(groups: Map<string, Value[]>, name: string): Value[] {
  const found = groups.get(name);
  if (found) return found;
  const group: Value[] = [];
  groups.set(name, group);
  return group;
}

function addAdmission(call: ScriptCall, admit: AdmissionRequest | undefined, keys: Keys): void {
  if (!admit) {
    call.add(0, 0);
    return;
  }
  call.add(admit.gates.length);
  for (const { name, rule, life, pausedClass = '', refuses } of admit.gates) {
    const parked = call.key(keys.parkedAt(name));
    const limit = pausedClass === '' ? call.key(keys.limit(name)) : parked;
    call.add(name, limit, parked, ruleText(rule, life), pausedClass, refuses ? 'refuse' : 'park');
  }
  call.add(admit.jobs.length);
  for (const { raw, gates, stays } of admit.jobs) {
    call.add(raw.seq, raw.queue, stays ? 1 : 0, gates.length);
    for (const place of gates) call.add(place + 1);
  }
}

function addLimited(call: ScriptCall, limited: readonly LimitedQueue[], keys: Keys): void {
  call.add(limited.length);
  for (const { queue, rule, holds } of limited) {
    call.add(queue, call.key(keys.limit(queueGate(queue))), rule ? ruleText(rule) : '', holds);
  }
}

function addReservation(call: ScriptCall, reserve: Reservation | undefined, keys: Keys): void {
  if (!reserve) {
    call.add(0, 0, 0, 0, 0, 0, 0, 0, 0);
    return;
  }
  const { listQueues, countLeft, count, bytes, suspects, alone, firstSeq, shares } = reserve;
  call.add(listQueues ? 1 : 0, countLeft ? 1 : 0, count, bytes, suspects, ALONE[alone], firstSeq);
  call.add(Buffer.byteLength(keys.queue('')));
  // Of thousands of queues, most are alike.
  const runs: { first: number; last: number; limit: number; serial: boolean }[] = [];
  for (const { queue, limit, serial = false } of shares) {
    const place = call.key(keys.queue(queue));
    const run = runs.at(-1);
    if (run && run.last === place - 1 && run.limit === limit && run.serial === serial) run.last = place;
    else runs.push({ first: place, last: place, limit, serial });
  }
  call.add(runs.length);
  for (const { first, last, limit, serial } of runs) call.add(first, last, limit, serial ? 1 : 0);
}

/** `1-5,7,9-12`: most batches end in order. */
function rangesOf(seqs: number[]): string {
  seqs.sort((a, b) => a - b);
  const parts: string[] = [];
  for (let i = 0; i < seqs.length; ) {
    const first = seqs[i] ?? 0;
    let last = first;
    while (seqs[++i] === last + 1) last++;
    parts.push(last === first ? `${first}` : `${first}-${last}`);
  }
  return parts.join();
}

/** Each release pushes to the head, so the last job of a queue has to go first. */
function inReleaseOrder(settlements: readonly Settlement[]): readonly Settlement[] {
  const toHead = ({ outcome }: Settlement) => outcome.kind === 'release' && outcome.to === 'head';
  const released = settlements.filter(toHead);
  if (released.length === 0) return settlements;
  released.sort((a, b) => b.raw.seq - a.raw.seq);
  return [...settlements.filter((settlement) => !toHead(settlement)), ...released];
}

function resultOf(answer: readonly Reply[], request: SyncRequest, settled: Settled, keys: Keys) {
  const [code, now, missing, refused, reserved, wrong, pausedQueues, orders, digits, overLimit, flowLists] = answer;
  if (code === LEASE_LOST) {
    const error = text(now);
    return error === ''
      ? ({ kind: 'lease lost' } as const)
      : ({ kind: 'lease lost', wrong: { key: keys.inflight(request.worker), error } } as const);
  }
  if (code === WRITES_LOST) return { kind: 'writes lost' } as const;
  if (code === NO_PLACE) return { kind: 'no place' } as const;
  const [paused, more, forPlace, forWorker, alone, held, runs, serial, names, left, waits] = list(reserved);
  const shares = request.reserve?.shares ?? [];
  const reply: SyncReply = {
    kind: 'held',
    now: Number(now),
    missing: Number(missing),
    refused: list(refused).flatMap((answered) => {
      const place = Number(answered);
      return place < 0 ? (settled.released[-place - 1] ?? []) : (settled.others[place - 1] ?? []);
    }),
    wrong: wrongKeysOf(wrong),
    jobs: jobsOfRuns(list(runs), request.reserve),
    paused: paused === 1,
    pausedQueues: list(pausedQueues).map(text),
    pausedHasJobs: waits === 1,
    more: more === 1,
    passedOver: { forPlace: Number(forPlace), forWorker: Number(forWorker) },
    alone: alone === 1,
    heldElsewhere: held === 1,
    serial: list(serial).map((pair) => {
      const [queue, hasMore] = list(pair);
      return { queue: text(queue), more: hasMore === 1 };
    }),
    queues: list(names).map(text),
    left: new Map(list(left).map((length, i) => [shares[i]?.queue ?? '', Number(length)])),
    ...ordersOf(list(orders)),
    flowLists: list(flowLists).map((one) => JSON.parse(text(one)) as FlowLists),
    ...(request.admit ? { admissions: [...text(digits)].map((digit) => ADMISSIONS[digit] ?? 'gone') } : {}),
    ...(overLimit === -2 ? {} : { overLimit: { ms: overLimit === -1 ? undefined : Number(overLimit) } }),
  };
  return reply;
}

const ADMISSIONS = Object.fromEntries(Object.entries(ADMISSION).map(([name, digit]) => [digit, name])) as Readonly<
  Record<string, Admission>
>;

function ordersOf(flat: readonly Reply[]): { readonly orders?: Orders } {
  if (flat.length === 0) return {};
  const pausedClasses: string[] = [];
  const cancelled: Orders['cancelled'][number][] = [];
  const limitedQueues: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const [, kind, name = ''] = /^(class|cancel|queue):(.*)$/s.exec(text(flat[i])) ?? [];
    const value = text(flat[i + 1]);
    if (kind === 'class' && value === 'paused') pausedClasses.push(name);
    else if (kind === 'queue') limitedQueues.push(name);
    else if (kind === 'cancel') {
      const [, until, reason = ''] = /^(\d+) (.*)$/s.exec(value) ?? [];
      if (until !== undefined) cancelled.push({ id: name, reason, until: Number(until) });
    }
  }
  return { orders: { pausedClasses, cancelled, limitedQueues } };
}

function jobsOfRuns(runs: readonly Reply[], reserve: Reservation | undefined): RawJob[] {
  let seq = reserve?.firstSeq ?? 0;
  const jobs: RawJob[] = [];
  const queueAt = (place: Reply | undefined) => reserve?.shares[Number(place) - 1]?.queue ?? '';
  for (const run of runs) {
    const [places, lengths, ...texts] = list(run);
    const queue = Array.isArray(places) ? oneAfterTheOther(places, queueAt) : queueAt(places);
    for (const bytes of texts as Buffer[]) {
      const found = jobsOf(bytes, Array.isArray(lengths) ? lengths : undefined, queue, seq);
      for (const job of found) jobs.push(job);
      seq += found.length;
    }
  }
  return jobs;
}

/** The queue of each job. @param counts a share and the number of its jobs, and so on */
function oneAfterTheOther(counts: readonly Reply[], queueAt: (place: Reply | undefined) => string): () => string {
  let at = 0;
  let queue = queueAt(counts[0]);
  let left = Number(counts[1]);
  return () => {
    if (left === 0) {
      at += 2;
      queue = queueAt(counts[at]);
      left = Number(counts[at + 1]);
    }
    left--;
    return queue;
  };
}
