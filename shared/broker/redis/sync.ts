import type { RawJob, Settlement } from '../../types.ts';
import { spliceText } from '../../wire/attempts.ts';
import { resqueTime } from '../../wire/time.ts';
import { tokenOf } from '../../wire/worker-id.ts';
import type { StatusUpdate, SyncRequest, SyncResult, WorkerBroker } from '../broker.ts';
import type { Keys } from '../keys.ts';
import { LEASE_LOST, syncScript } from '../scripts/sync.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { jobsOf } from './payload-slices.ts';

/** `sync`: a turn as the script's arguments, and its answer as jobs. */
export function syncOf(client: RedisClient, keys: Keys): WorkerBroker['sync'] {
  return async (turn) => {
    const queues = queuesOf(turn);
    const statuses = turn.statuses ?? [];
    const answer = await client.script(
      syncScript,
      [
        keys.inflight(turn.worker),
        keys.leases,
        keys.paused,
        keys.workers,
        keys.worker(turn.worker),
        keys.workerStarted(turn.worker),
        keys.heartbeats,
        keys.stat('processed'),
        keys.stat('processed', turn.worker),
        keys.stat('failed'),
        keys.stat('failed', turn.worker),
        keys.failed,
        keys.retry,
        keys.retryPayloads,
        keys.queues,
        keys.cron.live,
        ...queues.map(keys.queue),
        ...statuses.map((status) => keys.jobStatus(status.id)),
      ],
      argumentsOf(turn, queues, statuses),
    );
    return resultOf(list(answer), queues, turn.reserve?.firstSeq ?? 0);
  };
}

/** Every queue that the turn touches, each once; the script names them by their place in this list, from 1. */
function queuesOf(turn: SyncRequest): string[] {
  const names = new Set(turn.reserve?.shares.map((share) => share.queue));
  let last: string | undefined;
  for (const { raw } of turn.settle) {
    // Mostly the same again.
    if (raw.queue !== last) names.add(raw.queue);
    last = raw.queue;
  }
  return [...names];
}

const field = (raw: RawJob) => `${raw.seq}:${raw.queue}`;

function argumentsOf(turn: SyncRequest, queues: readonly string[], statuses: readonly StatusUpdate[]): Argument[] {
  const { reserve, workingOn } = turn;
  const place = new Map(queues.map((queue, i) => [queue, i + 1]));
  const args: Argument[] = [
    turn.worker,
    turn.leaseEnd,
    turn.call,
    turn.register ? resqueTime.started(turn.register) : '',
    turn.heartbeat ? turn.heartbeat.toISOString() : '',
    reserve?.listQueues ? 1 : 0,
    reserve?.countLeft ? 1 : 0,
    queues.length,
    ...queues,
  ];
  const done = new Map<string, number[]>();
  const others: Argument[] = [];
  let otherCount = 0;
  for (const settlement of inReleaseOrder(turn.settle)) {
    const { raw } = settlement;
    if (settlement.kind === 'done') {
      const seqs = done.get(raw.queue);
      if (seqs) seqs.push(raw.seq);
      else done.set(raw.queue, [raw.seq]);
    } else {
      otherCount++;
      others.push(settlement.kind, field(raw), ...detailsOf(settlement, place, turn.worker));
    }
  }
  args.push(done.size);
  for (const [queue, seqs] of done) args.push(place.get(queue) ?? 0, ranges(seqs));
  args.push(otherCount);
  for (const one of others) args.push(one);
  if (workingOn) args.push(field(workingOn.raw), workingOn.head, workingOn.tail);
  else args.push(workingOn === null ? '' : '-', '', '');
  args.push(statuses.length);
  for (const status of statuses) args.push(status.head, status.started ?? '', status.tail, status.ttl);
  args.push(turn.cronEnded?.length ?? 0);
  for (const { name, slot } of turn.cronEnded ?? []) args.push(name, slot);
  args.push(turn.started, reserve?.count ?? 0, reserve?.bytes ?? 0, reserve?.mayRisk ? 1 : 0);
  args.push(reserve?.firstSeq ?? 0, reserve?.shares.length ?? 0);
  for (const share of reserve?.shares ?? []) args.push(place.get(share.queue) ?? 0, share.limit);
  return args;
}

/** `1-5,7,9-12`: most batches end in order, so that one short text stands for all of a thousand jobs. */
function ranges(seqs: number[]): string {
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
  const toHead = (settlement: Settlement) => settlement.kind === 'release' && settlement.to === 'head';
  const released = settlements.filter(toHead);
  if (released.length === 0) return settlements;
  released.sort((a, b) => b.raw.seq - a.raw.seq);
  return [...settlements.filter((settlement) => !toHead(settlement)), ...released];
}

function detailsOf(
  settlement: Exclude<Settlement, { kind: 'done' }>,
  place: ReadonlyMap<string, number>,
  worker: string,
): Argument[] {
  switch (settlement.kind) {
    case 'retry':
      // The member belongs to this reservation, which there is only once; the record's id may be on two copies of a payload.
      return [
        settlement.at,
        spliceText(settlement.record),
        `${tokenOf(worker)}-${settlement.raw.seq}:${settlement.raw.queue}`,
      ];
    case 'fail':
    case 'quote':
      return [settlement.head, settlement.tail];
    case 'bury':
      return [settlement.entry];
    case 'release':
      return [place.get(settlement.raw.queue) ?? 0, settlement.to];
  }
}

function resultOf(answer: ReturnType<typeof list>, queues: readonly string[], firstSeq: number): SyncResult {
  const [code, paused, more, missing, runs, unreadable, names, left] = answer;
  if (code === LEASE_LOST) return { leaseLost: true };
  const queueAt = (place: unknown) => queues[Number(place) - 1] ?? '';
  let seq = firstSeq;
  const jobs: RawJob[] = [];
  for (const run of list(runs)) {
    const [place, lengths, ...texts] = list(run);
    const queue = queueAt(place);
    for (const bytes of texts as Buffer[]) {
      const found = jobsOf(bytes, Array.isArray(lengths) ? lengths : undefined, queue, seq);
      for (const job of found) jobs.push(job);
      seq += found.length;
    }
  }
  return {
    leaseLost: false,
    jobs,
    paused: paused === 1,
    more: more === 1,
    missing: Number(missing),
    unreadable: list(unreadable).map((pair) => {
      const [place, error] = list(pair);
      return { queue: queueAt(place), error: text(error) };
    }),
    queues: list(names).map(text),
    left: new Map(list(left).map((length, i) => [queues[i] ?? '', Number(length)])),
  };
}
