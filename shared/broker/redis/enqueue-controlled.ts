import { createHash } from 'node:crypto';
import { RedisReplyError } from '../../errors.ts';
import { controlOf } from '../../wire/control.ts';
import type { Controlled, ControlledJob } from '../controlled.ts';
import type { Keys } from '../keys.ts';
import { gateOf, type LockHolder, readHolder } from '../lock-value.ts';
import { ScriptCall } from '../ops/call.ts';
import { ANYTHING, DUPLICATE, ENQUEUED, enqueueControlled, PARKED } from '../scripts/enqueue-controlled.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { MOST_INDEXED_BYTES } from './most-indexed.ts';

/** So often a lock that changes under one's hands is read again; then its holder is not replaced, but waited for. */
const MOST_READS = 10;

/** What stands in a lock, and where it says that its job is. */
interface Seen {
  readonly mark: string;
  readonly holder: LockHolder | undefined;
}

/** `enqueueControlled`: in one step, and one more to read first where jobs replace others. */
export function controlledOf(client: Pick<RedisClient, 'command'>, script: RedisClient['script'], keys: Keys) {
  return async (jobs: readonly ControlledJob[]): Promise<Controlled[]> => {
    const done: Controlled[] = [];
    let stood = 0;
    while (done.length < jobs.length) {
      const rest = jobs.slice(done.length);
      const seen = await read(rest);
      if (stood > MOST_READS) seen.set(rest[0]?.lock?.name ?? '', { mark: ANYTHING, holder: undefined });
      const call = callOf(rest, seen, keys);
      const answer = list(await script(enqueueControlled, call.keys, call.args));
      stood = answer.length === 0 ? stood + 1 : 0;
      for (const one of answer) done.push(controlled(one));
    }
    return done;
  };

  /** The locks whose holders are to be replaced. */
  async function read(jobs: readonly ControlledJob[]): Promise<Map<string, Seen>> {
    const names = new Set<string>();
    for (const { lock } of jobs) if (lock?.onConflict === 'replace') names.add(lock.name);
    const seen = new Map<string, Seen>();
    if (names.size === 0) return seen;
    const values = list(await client.command(['MGET', ...[...names].map(keys.unique)]));
    for (const [i, name] of [...names].entries()) {
      const value = values[i];
      if (!Buffer.isBuffer(value)) continue;
      seen.set(name, { mark: createHash('sha1').update(value).digest('hex'), holder: readHolder(value) });
    }
    return seen;
  }
}

function callOf(jobs: readonly ControlledJob[], seen: ReadonlyMap<string, Seen>, keys: Keys): ScriptCall {
  const call = new ScriptCall([
    keys.queues,
    keys.delayedSchedule,
    keys.parked,
    keys.retry,
    keys.retryPayloads,
    keys.flowsLost,
  ]);
  const queues = new Map<string, number>();
  for (const { queue } of jobs) if (!queues.has(queue)) queues.set(queue, queues.size + 1);
  call.add(queues.size);
  for (const queue of queues.keys()) call.add(queue, call.key(keys.queue(queue)));
  for (const job of jobs) {
    const { payload, queue, seconds, id = '', lock, keep } = job;
    call.add(payload, queues.get(queue) ?? 0);
    if (seconds === undefined && keep === undefined && (!lock || lock.onConflict === 'skip')) {
      if (lock) call.add(1, call.key(keys.unique(lock.name)), id, Math.ceil(lock.ms));
      else call.add(0);
      continue;
    }
    call.add(2, seconds ?? '');
    if (seconds !== undefined) addDelayed(call, keys, seconds, payload);
    if (keep === undefined) call.add(0);
    else call.add(call.key(keys.jobStatus(id)), keep);
    if (!lock) {
      call.add(0);
      continue;
    }
    const gate = gateOf(lock);
    call.add(
      call.key(keys.unique(lock.name)),
      id,
      Math.ceil(lock.ms),
      lock.onConflict,
      call.key(keys.parkedAt(gate)),
      gate,
    );
    addSeen(call, keys, lock.onConflict === 'replace' ? seen.get(lock.name) : undefined);
  }
  return call;
}

function addDelayed(call: ScriptCall, keys: Keys, seconds: number | string, payload: string): void {
  const delayed = call.key(keys.delayed(seconds));
  const indexed = Buffer.byteLength(payload) <= MOST_INDEXED_BYTES;
  call.add(delayed, indexed ? `delayed:${seconds}` : '', indexed ? call.key(keys.timestamps(payload)) : delayed);
}

/** The keys of the place where a lock says that its job is. */
function addSeen(call: ScriptCall, keys: Keys, seen: Seen | undefined): void {
  call.add(seen?.mark ?? '');
  if (!seen || seen.mark === ANYTHING) return;
  const { place, queue, payload, id } = seen.holder ?? { place: { kind: 'unknown' }, queue: '', payload: '', id: '' };
  call.add(call.key(keys.queue(queue)));
  if (place.kind === 'delayed') {
    const indexed = Buffer.byteLength(payload) <= MOST_INDEXED_BYTES;
    const delayed = call.key(keys.delayed(place.seconds));
    call.add(delayed, place.seconds, indexed ? `delayed:${place.seconds}` : '');
    call.add(indexed ? call.key(keys.timestamps(payload)) : delayed);
  } else {
    call.add(0, '', '', 0);
  }
  const keep = keptOf(payload);
  call.add(
    place.kind === 'retry' ? place.member : '',
    keep === undefined ? 0 : call.key(keys.jobStatus(id)),
    keep ?? 0,
  );
}

function keptOf(payload: string): number | undefined {
  try {
    return controlOf((JSON.parse(payload) as { control?: unknown }).control)?.keep;
  } catch {
    return undefined;
  }
}

function controlled(reply: Reply): Controlled {
  if (reply === ENQUEUED) return 'enqueued';
  if (reply === PARKED) return 'parked';
  const [kind, id] = list(reply);
  if (kind === DUPLICATE) return { kind: 'duplicate', id: text(id) };
  throw new RedisReplyError(`Redis gave an answer to enqueue-controlled that is none: ${JSON.stringify(reply)}.`);
}
