import { resqueTime } from '../resque/time.ts';
import type { RawJob, Settlement } from '../types.ts';
import type { JobStore, StatusUpdate, Turn, TurnResult } from './job-store.ts';
import type { Keys } from './keys.ts';
import { type Argument, list, type RedisClient, text } from './redis-client.ts';
import { spliceText } from './scripts/attempts.ts';
import { LEASE_LOST, settleAndReserve } from './scripts/settle-and-reserve.ts';

/** `settleAndReserve`: a turn as the script's arguments, and its answer as jobs. */
export function turnOf(client: RedisClient, keys: Keys): JobStore['settleAndReserve'] {
  return async (turn) => {
    const queues = queuesOf(turn);
    const statuses = turn.statuses ?? [];
    const answer = await client.script(
      settleAndReserve,
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
function queuesOf(turn: Turn): string[] {
  const names = new Set(turn.reserve?.shares.map((share) => share.queue));
  for (const settlement of turn.settle) if (settlement.kind === 'release') names.add(settlement.raw.queue);
  return [...names];
}

const field = (raw: RawJob) => `${raw.seq}:${raw.queue}`;

function argumentsOf(turn: Turn, queues: readonly string[], statuses: readonly StatusUpdate[]): Argument[] {
  const { reserve, workingOn } = turn;
  const place = new Map(queues.map((queue, i) => [queue, i + 1]));
  const args: Argument[] = [
    turn.worker,
    turn.leaseEnd,
    turn.call,
    turn.register ? resqueTime.started(turn.register) : '',
    turn.heartbeat ? turn.heartbeat.toISOString() : '',
    reserve?.listQueues ? 1 : 0,
    queues.length,
    ...queues,
  ];
  const done: Argument[] = [];
  const others: Argument[] = [];
  let otherCount = 0;
  for (const settlement of inReleaseOrder(turn.settle)) {
    if (settlement.kind === 'done') {
      done.push(field(settlement.raw));
    } else {
      otherCount++;
      others.push(settlement.kind, field(settlement.raw), ...detailsOf(settlement, place));
    }
  }
  // Spread would put a large batch on the stack.
  args.push(done.length);
  for (const one of done) args.push(one);
  args.push(otherCount);
  for (const one of others) args.push(one);
  if (workingOn) args.push(field(workingOn.raw), workingOn.head, workingOn.tail);
  else args.push(workingOn === null ? '' : '-', '', '');
  args.push(statuses.length);
  for (const status of statuses) args.push(status.head, status.started ?? '', status.tail, status.ttl);
  args.push(turn.cronEnded?.length ?? 0);
  for (const { name, slot } of turn.cronEnded ?? []) args.push(name, slot);
  args.push(reserve?.count ?? 0, reserve?.bytes ?? 0, reserve?.firstSeq ?? 0, reserve?.shares.length ?? 0);
  for (const share of reserve?.shares ?? []) args.push(place.get(share.queue) ?? 0, share.limit);
  return args;
}

/** Each release pushes to the head, so the last job of a queue has to go first. */
function inReleaseOrder(settlements: readonly Settlement[]): readonly Settlement[] {
  const toHead = (settlement: Settlement) => settlement.kind === 'release' && settlement.to === 'head';
  const released = settlements.filter(toHead);
  if (released.length === 0) return settlements;
  released.sort((a, b) => b.raw.seq - a.raw.seq);
  return [...settlements.filter((settlement) => !toHead(settlement)), ...released];
}

function detailsOf(settlement: Exclude<Settlement, { kind: 'done' }>, place: ReadonlyMap<string, number>): Argument[] {
  switch (settlement.kind) {
    case 'retry':
      return [settlement.at, spliceText(settlement.record), `${settlement.record.id}:${settlement.raw.queue}`];
    case 'fail':
      return [settlement.head, settlement.tail];
    case 'bury':
      return [settlement.entry];
    case 'release':
      return [place.get(settlement.raw.queue) ?? 0, settlement.to];
  }
}

function resultOf(answer: ReturnType<typeof list>, queues: readonly string[], firstSeq: number): TurnResult {
  const [code, paused, more, missing, runs, unreadable, names] = answer;
  if (code === LEASE_LOST) return { leaseLost: true };
  const queueAt = (place: unknown) => queues[Number(place) - 1] ?? '';
  let seq = firstSeq;
  const jobs: RawJob[] = [];
  for (const run of list(runs)) {
    const [place, payloads] = list(run);
    const queue = queueAt(place);
    for (const bytes of list(payloads)) jobs.push({ queue, seq: seq++, bytes: bytes as Buffer });
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
  };
}
