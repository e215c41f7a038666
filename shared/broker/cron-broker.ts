import type { LambdesqueError } from '../errors.ts';
import type { ControlLock } from '../types.ts';
import type { WrongKey } from './wrong-key.ts';

/** The part of the seam that keeps cron entries: dynamic ones, and what is known of the slots of all. */
export interface CronBroker {
  /** All of it, whatever was read before. */
  read(): Promise<CronState>;
  /** Writes what is to be noted: only where it is still as `read` found it, since another scheduler may have been here. */
  note(changes: CronNotes): Promise<void>;
  /** @returns what became of each, in order, and keys that are not what they should be */
  claim(slots: readonly SlotClaim[]): Promise<{ claims: readonly ClaimResult[]; wrong: readonly WrongKey[] }>;
  /**
   * Gives back the locks of jobs that are nowhere any more: deleted with their queue, or run by another Resque's worker, which knows
   * nothing of locks. Looks through 50,000 payloads at the most; of more, nobody knows.
   * @param names of locks  @param now Redis's time, epoch ms
   * @returns those that it has given back
   */
  freeLost(names: readonly string[], now: number): Promise<string[]>;
  /** @returns the key, if it cannot be used */
  setStatus(name: string, status: CronStatus): Promise<WrongKey[]>;
  statuses(): Promise<Map<string, CronStatus>>;
  /**
   * @param json the entry in resque-scheduler's form; undefined removes it
   * @returns whether there was one  @throws RedisTypeError naming the key: then nothing was done
   */
  change(name: string, json: string | undefined): Promise<boolean>;
  /** Drops what is known of a dynamic entry's slots, if it is not there any more. @returns a key that cannot be used */
  forget(name: string): Promise<WrongKey[]>;
  pause(name: string): Promise<void>;
  /** Slots up to now count as passed: none is made up for. */
  resume(name: string): Promise<void>;
}

/** All that is known of cron entries at one moment. A time further ahead than a minute counts as now: see `heal`. */
export interface CronState {
  /** Redis's time, epoch ms. */
  readonly now: number;
  /** All was looked at; else only whether sizes and a version have changed: reason enough to do nothing, and none to do something. */
  readonly isSure: boolean;
  /** Dynamic entries as JSON, by name: `persistent_schedules`; undefined where that cannot be read. */
  readonly dynamic: ReadonlyMap<string, string> | undefined;
  /** Last claimed slot, epoch ms, by name. */
  readonly last: ReadonlyMap<string, number>;
  /** When timings were first seen and when they were last noted to be there, by `timingKey`. */
  readonly notes: ReadonlyMap<string, TimingNote>;
  /** The notes cannot be read: nobody knows when a timing was first seen. */
  readonly notesLost: boolean;
  /** When Ruby's scheduler last enqueued a job of an entry, epoch ms, by name; or we did. */
  readonly lastEnqueued: ReadonlyMap<string, number>;
  readonly paused: ReadonlySet<string>;
  /** When a pause ended, epoch ms, by name: no slot up to then. */
  readonly resumed: ReadonlyMap<string, number>;
  /** Marks to be written anew, since a wrong clock has left them in the future. */
  readonly heal: CronNotes;
  readonly wrong: readonly WrongKey[];
}

export interface TimingNote {
  /** Both epoch ms. */
  readonly since: number;
  readonly seen: number;
  /** As it stands in Redis. */
  readonly text: string;
}

/** The name of a timing's note. A timing holds no newline, a name may. */
export function timingKey(name: string, fingerprint: string): string {
  return `${name}\n${fingerprint}`;
}

/** Fields of the hashes `cron:last`, `cron:since` and `cron:paused`, as they were read and as they should be. */
interface CronNotes {
  readonly last?: readonly FieldChange[];
  readonly since?: readonly FieldChange[];
  readonly paused?: readonly FieldChange[];
}

export interface FieldChange {
  readonly field: string;
  /** '' where there was none. */
  readonly from: string;
  /** '' to remove it. */
  readonly to: string;
}

export interface SlotClaim {
  readonly name: string;
  /** Epoch ms. */
  readonly slot: number;
  readonly queue: string;
  readonly payload: string;
  /** Jobs of the entry must not overlap: this is held by the last one until it has ended. */
  readonly lock: Pick<ControlLock, 'name' | 'ms'> | undefined;
  readonly jobId: string;
  /** It is of an entry in Redis, which Ruby's scheduler reads too. */
  readonly dynamic: boolean;
}

/** `early`: by Redis's clock the slot is yet to come. */
export type ClaimResult =
  | 'enqueued'
  | 'overlaps'
  | 'taken'
  | 'early'
  /** Nothing was claimed. */
  | { readonly error: LambdesqueError };

/** The last thing that happened to an entry. */
export interface CronStatus {
  /** `overlapped`: its last job had not ended; `error`: it could not be enqueued; `invalid`: the entry cannot be used. */
  readonly outcome: 'enqueued' | 'overlapped' | 'error' | 'invalid';
  /** Epoch ms. */
  readonly at: number;
  /** Of the slot that it is about, epoch ms. */
  readonly slot?: number;
  /** Of the job that was enqueued. */
  readonly jobId?: string;
  /** What was wrong. */
  readonly error?: string;
  /** What came of the slots before, the newest first: the last 9. */
  readonly before?: readonly CronPast[];
}

/** What came of an earlier slot. */
export interface CronPast {
  /** As of the last one. */
  readonly outcome: CronStatus['outcome'];
  /** When that was, epoch ms. */
  readonly at: number;
  /** The slot, epoch ms. */
  readonly slot: number;
}

/** So many earlier slots are remembered of an entry. */
export const MOST_PAST = 9;
