import { createHash } from 'node:crypto';
import type { ControlBroker } from '../broker/control-broker.ts';
import { markOf } from '../broker/element-digest.ts';
import { MINUTE_MS, short } from '../broker/ops/stats.ts';
import type { QueuesBroker, SeenJob } from '../broker/redis/queues.ts';
import type { NotedSizes, StatHash, StatHashesBroker } from '../broker/redis/stat-hashes.ts';
import type { StatsBroker } from '../broker/redis/stats.ts';
import type { Survey, WorkersBroker } from '../broker/redis/workers.ts';
import { ConfigError } from '../errors.ts';
import { type Limit, limitOf, limitRule } from '../limit.ts';
import { matchesQueue, parseQueues } from '../queues/queue-list.ts';
import { partsOfWorkerId } from '../wire/worker-id.ts';
import { writePlace } from './job-places.ts';
import { dateOf, type JobView, jobView, type Page } from './job-view.ts';
import { notDead } from './liveness.ts';

/** A queue at one moment. */
export interface QueueInfo {
  /** Without namespace. */
  readonly name: string;
  /** Jobs that wait in it. */
  readonly size: number;
  /** When the first of them was enqueued; undefined where its payload does not say, or it was delayed or retried since. */
  readonly oldest: Date | undefined;
  /** Jobs of it that workers of ours hold: those that run, and those that were reserved and start next. */
  readonly running: number;
  /** It gives nothing until it is resumed. `pauseAll` is not counted here: see `stats.totals`. */
  readonly paused: boolean;
  /** One worker at a time has its jobs, in order. */
  readonly serial: boolean;
  /** What `limit` has set; a worker may have one of its own besides, where there is none. */
  readonly limit: Limit | undefined;
  /** Ids of workers whose queue lists match it, and that are not known to be dead. */
  readonly workers: readonly string[];
  /** A minute, over the last 5 whole ones. */
  readonly rates: QueueRates;
}

/** Jobs a minute, over the last 5 whole minutes; what workers of ours did. */
export interface QueueRates {
  /** What came: `out` and by how much the queue has grown. undefined unless a scheduler runs, which notes the size each minute. */
  readonly in: number | undefined;
  /** Attempts that ended, however. */
  readonly out: number;
  /** Of these, those that went to the failed list. */
  readonly failed: number;
}

/**
 * Queues, looked at and changed. A queue need not be known to Redis to be paused or looked at.
 * Each method throws ConfigError for a name that is none; those that look into one queue or change it RedisTypeError where
 * its key is no list. In `list` such a queue is empty.
 */
export interface Queues {
  /** Every queue that Redis knows, by name. 7 commands, whatever is in the queues; more beyond 4,000 queues or 50,000 jobs in flight. */
  list(): Promise<QueueInfo[]>;
  /** One queue, whether or not Redis knows it. As many commands as `list`. */
  get(name: string): Promise<QueueInfo>;
  /**
   * What waits, from the head. One command. A cursor finds its place again while jobs leave: within 1,000 of them, or
   * at the head where all that were shown have left.
   * @param options `cursor` of the page before; `limit` jobs at the most, 1 to 1,000, 25 by default; fewer where they are large
   */
  peek(name: string, options?: { readonly cursor?: string; readonly limit?: number }): Promise<Page<JobView>>;
  /**
   * The queue gives nothing more, to workers of ours, from their next sync on; what they have reserved of it and not
   * started goes back to its head, in order; jobs that run go on. Ruby's and other workers know nothing of it. One command.
   */
  pause(name: string): Promise<void>;
  /** Workers that wait look at it within their interval. One command. */
  resume(name: string): Promise<void>;
  /**
   * How many of its jobs run, of all workers of ours together; they hear of it with their next sync, and it counts more than
   * what they were told. Jobs beyond it stay in the queue. One command.
   * @param limit null for none
   * @throws ConfigError for a limit that cannot be
   * @example await client.queues.limit('reports', { running: 2, rate: '100/1m' });
   */
  limit(name: string, limit: Limit | null): Promise<void>;
  /** Resque's `pause-all-workers`: no worker takes a job, Ruby's neither. One command. */
  pauseAll(): Promise<void>;
  /** One command. */
  resumeAll(): Promise<void>;
  /**
   * Removes all jobs that wait in it, and gives back the locks of unique ones, so that what is parked for those comes into it; the
   * queue stays known, and paused if it was. One command for 20,000 jobs, and one for 1,000 of them that hold something.
   * @returns how many there were
   */
  clear(name: string): Promise<number>;
  /**
   * Removes the queue and all that waits in it, as Resque.remove_queue does; a pause ends. For locks and the
   * number of commands see `clear`: one more.
   * @returns jobs removed
   */
  remove(name: string): Promise<number>;
  /**
   * Appends all jobs of one queue to another, in order, byte for byte. One command where the other one is empty; else one
   * for each 5,000 jobs or 4 MB, each atomic. What is enqueued meanwhile stays. @returns how many were moved
   */
  move(from: string, to: string): Promise<number>;
}

interface QueuesDeps {
  readonly queues: QueuesBroker;
  readonly stats: StatsBroker;
  readonly hashes: StatHashesBroker;
  readonly workers: WorkersBroker;
  readonly control: ControlBroker;
}

/** Over how many whole minutes rates are taken. */
const RATE_MINUTES = 5;
const PAGE = 25;
const LARGEST_PAGE = 1_000;

export function createQueues({ queues, stats, hashes, workers, control }: QueuesDeps): Queues {
  async function infos(named: readonly string[]): Promise<QueueInfo[]> {
    const found = await stats.read(named);
    const minute = Math.floor(found.now / MINUTE_MS);
    const [survey, running, minutes, noted, limits] = await Promise.all([
      workers.survey(),
      queues.inFlight(found.workers),
      hashes.read('minute', minute - RATE_MINUTES, RATE_MINUTES),
      hashes.sizes(minute - RATE_MINUTES, RATE_MINUTES + 1),
      control.limits(),
    ]);
    const drainers = drainersOf(survey);
    const rates = ratesOf(minutes, noted);
    return found.queues.map(({ name, depth, oldest, paused }) => ({
      name,
      size: depth,
      oldest: oldest === undefined ? undefined : dateOf(oldest),
      running: running.get(name) ?? 0,
      paused,
      serial: survey.serialQueues.has(name),
      limit: limitOf(limits.get(name)),
      workers: drainers(name),
      rates: rates(name),
    }));
  }

  return {
    list: () => infos([]),
    async get(name) {
      checkName(name);
      const found = (await infos([name])).find((one) => one.name === name);
      if (!found) throw new ConfigError(`The queue ${JSON.stringify(name)} cannot be looked at: its name is too long.`);
      return found;
    },

    async peek(name, { cursor, limit = PAGE } = {}) {
      checkName(name);
      if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) {
        throw new ConfigError(`limit must be a whole number from 1 to ${LARGEST_PAGE}; got ${String(limit)}.`);
      }
      const { place, payloads, size } = await queues.peek(name, seenOf(cursor), limit);
      const items = payloads.map((bytes, i) =>
        jobView(bytes, {
          state: 'queued',
          queue: name,
          place: writePlace({
            kind: 'queue',
            name,
            element: { position: place + i, mark: markOf(bytes), of: 'whole' },
          }),
        }),
      );
      const last = payloads.at(-1);
      const end = place + payloads.length;
      return { items, cursor: last && end < size ? cursorOf(end - 1, last) : undefined };
    },

    pause: async (name) => queues.pause(checkOne(name)),
    resume: async (name) => queues.resume(checkName(name)),
    limit: async (name, limit) =>
      limit === null
        ? control.limit(checkName(name), undefined)
        : control.limit(checkOne(name), limitRule(`limit ${name}`, limit)),
    pauseAll: () => queues.pauseAll(),
    resumeAll: () => queues.resumeAll(),
    clear: async (name) => queues.clear(checkName(name)),
    remove: async (name) => queues.remove(checkName(name)),
    async move(from, to) {
      if (checkName(from) === checkName(to)) {
        throw new ConfigError(`move takes two queues; got ${JSON.stringify(from)} twice.`);
      }
      return queues.move(from, to);
    },
  };
}

/** @throws ConfigError */
function checkName(name: string): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new ConfigError(
    `A queue must be named by a text that is not empty; got ${JSON.stringify(name) ?? typeof name}.`,
  );
}

/** A pattern would be the name of a queue that there is not. @throws ConfigError */
function checkOne(name: string): string {
  if (!checkName(name).includes('*')) return name;
  throw new ConfigError(
    `A queue must be given by its whole name, such as "reports"; got ${JSON.stringify(name)}. Give each by itself.`,
  );
}

function cursorOf(place: number, bytes: Buffer): string {
  return `${place}:${bytes.length}:${createHash('sha1').update(bytes).digest('hex')}`;
}

function seenOf(cursor: string | undefined): SeenJob | undefined {
  if (cursor === undefined) return undefined;
  const [, place, length, sha] = /^(\d{1,15}):(\d{1,15}):([0-9a-f]{40})$/.exec(cursor) ?? [];
  if (sha !== undefined) return { place: Number(place), length: Number(length), sha };
  throw new ConfigError(`cursor must be that of the page before; got ${JSON.stringify(cursor)}.`);
}

/** Which workers look at a queue. Most have one of few lists. */
function drainersOf(survey: Survey): (queue: string) => string[] {
  const byList = Map.groupBy(notDead(survey), (id) => partsOfWorkerId(id).queues.join());
  const lists = [...byList].flatMap(([text, ids]) => {
    try {
      return [{ fits: matchesQueue(parseQueues(text)), ids }];
    } catch {
      return [];
    }
  });
  return (queue) => lists.flatMap(({ fits, ids }) => (fits(queue) ? ids : []));
}

/** @param minutes whole ones  @param noted sizes, the oldest first */
function ratesOf(minutes: readonly StatHash[], noted: readonly NotedSizes[]): (queue: string) => QueueRates {
  const ended = new Map<string, { out: number; failed: number }>();
  for (const { sums } of minutes) {
    for (const { queue, succeeded, failed, retried, discarded } of sums) {
      const one = ended.get(queue) ?? { out: 0, failed: 0 };
      one.out += succeeded + failed + retried + discarded;
      one.failed += failed;
      ended.set(queue, one);
    }
  }
  return (name) => {
    const queue = short(name);
    const { out, failed } = ended.get(queue) ?? { out: 0, failed: 0 };
    const rate = out / RATE_MINUTES;
    const growth = growthOf(queue, noted);
    return {
      in: growth === undefined ? undefined : Math.max(0, rate + growth),
      out: rate,
      failed: failed / RATE_MINUTES,
    };
  };
}

/** Jobs a minute; undefined where its size was not noted twice. */
function growthOf(queue: string, noted: readonly NotedSizes[]): number | undefined {
  const known = noted.flatMap(({ at, sizes }) => {
    const size = sizes.get(queue);
    return size === undefined ? [] : [{ at, size }];
  });
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last || last.at <= first.at) return undefined;
  return ((last.size - first.size) * MINUTE_MS) / (last.at - first.at);
}
