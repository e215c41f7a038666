import { keptSeconds, timeLimit } from '../job/control-options.ts';
import type { Args, EnqueueOptions, JobRef } from '../job/enqueue.ts';
import { checkJsonArgs } from '../job/json-args.ts';
import { uniqueName } from '../job/unique.ts';
import { type Unique, uniqueOf } from '../job/unique-options.ts';
import type { Control, ControlLock } from '../types.ts';

/** What a job is asked to be besides being enqueued. */
export interface Asked {
  /** The lock that it needs to be enqueued. */
  readonly lock: (ControlLock & { readonly onConflict: Unique['onConflict'] }) | undefined;
  /** How long its status record is kept when it has ended, seconds; undefined where it has none. */
  readonly keep: number | undefined;
  /** What its payload says of that, and of its time limits. */
  readonly control: Control | undefined;
}

type Options = Pick<EnqueueOptions, 'unique' | 'track' | 'expires' | 'deadline'>;
type Definition = Pick<JobRef, Exclude<keyof Options, 'unique'> | 'unique' | 'activeJob'> | undefined;

/** Has it a time limit that counts from when it is due? Then Redis's time is needed. */
export function countsFromDue(item: Options, definition: Definition): boolean {
  return isLength(item.expires ?? definition?.expires) || isLength(item.deadline ?? definition?.deadline);
}

function isLength(limit: unknown): boolean {
  return limit !== undefined && limit !== Infinity && (typeof limit === 'number' || typeof limit === 'string');
}

/**
 * @param name of its class  @param time when it is due, epoch ms: of any use only where something counts from it; is that later?
 * @returns undefined where nothing is asked for, as of most jobs
 * @throws ConfigError, ArgumentsError
 */
export function askedOf(
  name: string,
  item: Options & { readonly args: Args },
  definition: Definition,
  { due, delayed }: { readonly due: number; readonly delayed: boolean },
): Asked | undefined {
  const unique = item.unique ?? definition?.unique;
  const track = item.track ?? definition?.track;
  const expires = item.expires ?? definition?.expires;
  const deadline = item.deadline ?? definition?.deadline;
  if (unique === undefined && track === undefined && expires === undefined && deadline === undefined) return undefined;
  const where = `enqueue ${name}`;
  const lock = unique ? lockOf(where, name, unique, item, definition) : undefined;
  const keep = keptSeconds(where, track);
  const control = {
    expires: limitOf(`${where}: expires`, expires, definition?.expires, due),
    deadline: limitOf(`${where}: deadline`, deadline, definition?.deadline, due),
    lock: lock && (lock.until !== 'running' || item.unique) ? lock : notRunning(where, item, definition),
    due: delayed && lock && lock.onConflict !== 'skip' ? due : undefined,
    keep,
  };
  return { lock: lock?.until === 'running' ? undefined : lock, keep, control };
}

/** What the lock of such a job is called, wherever it is held; undefined where it is not unique. @throws ConfigError, ArgumentsError */
export function lockNameOf(
  name: string,
  item: Options & { readonly args: Args },
  definition: Definition,
): string | undefined {
  const unique = item.unique ?? definition?.unique;
  return unique ? lockOf(`enqueue ${name}`, name, unique, item, definition)?.name : undefined;
}

const UNTIL = { queued: 'start', 'queued or running': 'end', running: 'running' } as const;

function lockOf(
  where: string,
  name: string,
  options: NonNullable<JobRef['unique']>,
  { args }: { readonly args: Args },
  definition: Definition,
): Asked['lock'] {
  const unique = uniqueOf(where, options);
  const activeJob = definition?.activeJob !== undefined;
  if (!activeJob) checkJsonArgs(name, args);
  return {
    name: uniqueName(name, unique, args, activeJob),
    until: typeof unique.while === 'number' ? 'time' : UNTIL[unique.while],
    ms: unique.atMost,
    later: unique.onConflict === 'later',
    onConflict: unique.onConflict,
  };
}

/** That it is not to be unique is of interest where workers decide it, by the definition. */
function notRunning(where: string, { unique }: Options, definition: Definition): false | undefined {
  return unique === false && definition?.unique && uniqueOf(where, definition.unique).while === 'running'
    ? false
    : undefined;
}

/** Epoch ms; Infinity, which overrides a definition's, only where there is one. */
function limitOf(field: string, limit: Options['expires'], own: Options['expires'], due: number): number | undefined {
  if (limit === undefined) return undefined;
  const given = timeLimit(field, limit);
  const at = 'at' in given ? given.at : Math.ceil(due + given.after);
  return at === Infinity && (own === undefined || own === Infinity) ? undefined : at;
}
