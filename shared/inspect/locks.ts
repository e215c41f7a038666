import type { LockState, LocksBroker } from '../broker/redis/locks.ts';
import { ConfigError } from '../errors.ts';
import type { Args, Target } from '../job/enqueue.ts';
import type { Registry } from '../job/registry.ts';
import { uniqueName } from '../job/unique.ts';
import { uniqueOf } from '../job/unique-options.ts';
import { shown } from '../options.ts';
import { badCursor, checkLimit } from './cursor.ts';
import type { Page } from './job-view.ts';
import { viewOfBeginning } from './view-of-beginning.ts';

/** A lock of unique jobs, and who holds it. */
export interface LockInfo {
  /** Its class, or cron entry, and a digest of what makes jobs equal; what `free` takes. */
  readonly name: string;
  /** Id of the job that holds it. */
  readonly id: string;
  /** Class of that job, where its payload says it. */
  readonly class: string | undefined;
  /** Where that job was put, or is to go. */
  readonly queue: string;
  /** When it ends by itself, should nothing else give it back; undefined for never. */
  readonly until: Date | undefined;
  /** Jobs that wait until it is given back. */
  readonly parked: number;
}

/** The locks of unique jobs and cron entries. */
export interface Locks {
  /**
   * Those that are held, in no order. Redis finds them among all of its keys, so that a page may have few or none: go on with its
   * `cursor` until there is none. At most 12 commands a page.
   * @param options `cursor` of the page before; `limit` locks at the most, or a few more, 1 to 1,000, 25 by default
   */
  list(options?: { readonly cursor?: string; readonly limit?: number }): Promise<Page<LockInfo>>;
  /**
   * The lock that a job of this class and arguments would need, if it is held. 1 command.
   * @throws ConfigError for a class that is not unique, or whose definition this client does not know
   */
  get<In extends Args>(job: Target<In>, args: NoInfer<In>): Promise<LockInfo | undefined>;
  /**
   * Gives a lock back, whoever holds it: to the first job that is parked for it. The job that held it goes on, and another may run
   * beside it. 2 commands.
   * @returns whether it was held
   * @example for (const { name } of (await client.locks.list()).items) await client.locks.free(name);
   */
  free(name: string): Promise<boolean>;
}

const PAGE = 25;
/** Keys that one command looks at, and commands of a page. */
const KEYS_AT_ONCE = 1_000;
const SCANS = 10;

interface LocksDeps {
  readonly locks: LocksBroker;
  readonly registry: Registry;
  /** Redis's time, epoch ms. */
  readonly time: () => Promise<number>;
}

export function createLocks({ locks, registry, time }: LocksDeps): Locks {
  return {
    async list({ cursor = '0', limit = PAGE } = {}) {
      checkLimit(limit);
      if (!/^\d+$/.test(cursor)) throw badCursor(cursor);
      const names: string[] = [];
      let next = cursor;
      for (let i = 0; i < SCANS && names.length < limit; i++) {
        const found = await locks.scan(next, KEYS_AT_ONCE);
        names.push(...found.names);
        next = found.cursor;
        if (next === '0') break;
      }
      const [states, now] = await Promise.all([locks.read([...new Set(names)]), time()]);
      return { items: states.map((one) => infoOf(one, now)), cursor: next === '0' ? undefined : next };
    },

    async get(job, args) {
      const definition =
        typeof job === 'string' ? (registry.handlerFor(job) ?? registry.handlerFor(job, true))?.definition : job;
      if (!definition?.unique) {
        throw new ConfigError(
          `locks.get: ${definition ? `the class ${definition.class} is not unique` : `no definition of ${shown(job)} is known: give createClient its jobs`}.`,
        );
      }
      const name = typeof job === 'string' ? job : job.class;
      const unique = uniqueOf(`locks.get ${name}`, definition.unique);
      const lock = uniqueName(name, unique, args, definition.activeJob !== undefined);
      const [[state], now] = await Promise.all([locks.read([lock]), time()]);
      return state && infoOf(state, now);
    },

    async free(name) {
      if (typeof name !== 'string' || name === '') {
        throw new ConfigError(`locks.free: it must be the name of a lock, as list() gives it; got ${shown(name)}.`);
      }
      return locks.free(name);
    },
  };
}

function infoOf({ name, id, queue, payload, left, parked }: LockState, now: number): LockInfo {
  const bytes = Buffer.from(payload);
  // Of a long one the end was not read.
  const { class: className } = viewOfBeginning(bytes, Infinity, { state: 'queued', queue, place: '' });
  return { name, id, class: className, queue, until: left === undefined ? undefined : new Date(now + left), parked };
}
