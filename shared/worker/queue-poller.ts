import type { Reservation, SyncReply } from '../broker/broker.ts';
import type { QueueList } from '../queues/queue-list.ts';
import { QueueSelector, type QueueShare } from '../queues/queue-selector.ts';
import type { RawJob } from '../types.ts';

type Asked = Pick<Reservation, 'shares' | 'listQueues' | 'countLeft'>;
/** Why a look found no job: the queues are empty; `pause-all-workers` or their own pause; serial, and with another worker; at their limits. */
export type WhyIdle = 'empty' | 'paused' | 'held elsewhere' | 'over limit';

/** With more queues than this, not every turn looks at all of them. */
const FEW = 16;
/** Beyond the last queue that had jobs, so many more are looked at, where each holds some: those come next. */
const BEYOND = 64;
/** But enough of them for what is wanted, if they hold as many as the last ones; and by this factor more. */
const BEYOND_NEEDED = 1.25;
/** So many of those that had jobs are looked at each time, the last ones. */
const RECENT = 64;
/** But one so often does, ms: so long may a job of an earlier queue have to wait for later ones. Of very many, less often. */
const LOOK_AT_ALL_MS = 50;
const LOOK_AT_EACH_MS = 0.25;
/** Where only suspects are left that cannot be taken now, ms. */
const PASSED_OVER_MS = 250;

/** Where to look for jobs next, and when: queues that were empty are left alone for the interval. */
export class QueuePoller {
  readonly #selector: QueueSelector;
  readonly #interval: number;
  /** Names of queues are read anew at this time, if patterns need them. */
  #namesAt = 0;
  #rest: { readonly why: WhyIdle | undefined; readonly until: number } | undefined;
  /** Queues that had jobs since all were last looked at, the last ones at the end; undefined to look at all. */
  #busy: Set<string> | undefined;
  /** Jobs that each of those had, about. */
  #jobsInEach = Infinity;
  #allAt = 0;
  #lookAgainAfter = LOOK_AT_ALL_MS;
  #asked: 'all' | 'some' | 'few' = 'few';
  /** By queue: jobs of unknown classes that were sent on since the last job that could run. */
  readonly #sentOn = new Map<string, number>();
  /** Those that were sent on since the last look. */
  #unknown = new Set<RawJob>();
  /** Queues in which every job was sent on: looked at again at this time, epoch ms. */
  readonly #unknownUntil = new Map<string, number>();

  readonly #serialMore = new Set<string>();
  /** Pushes to all queues are told: while they are empty, nobody need look. */
  watched = false;
  /** So are new names of queues. */
  namesWatched = false;
  /** Queues that give nothing now though they may have jobs: paused, serial and with another worker, or of unknown classes only. */
  #blocked = new Set<string>();
  #allPaused = false;
  /** Its jobs are parked where they wait, and it is not to be watched meanwhile. */
  parking: string | undefined;

  constructor(queues: QueueList, interval: number) {
    this.#selector = new QueueSelector(queues);
    this.#interval = interval;
  }

  /** Why the last look found nothing more; undefined where it did. */
  get found(): WhyIdle | undefined {
    return this.#serialMore.size > 0 ? undefined : this.#rest?.why;
  }

  /** Before this time there is no use in looking; epoch ms. */
  get restUntil(): number {
    if (!this.#rest) return 0;
    return this.watched && this.#rest.why === 'empty' && this.#blocked.size === 0 ? Infinity : this.#rest.until;
  }

  /** Queues that rest, and from which a job could be taken as soon as one is pushed; undefined where none is to be watched. */
  get watchable(): readonly string[] | undefined {
    const why = this.#rest?.why;
    if (why === undefined || this.#allPaused) return undefined;
    const { names } = this.#selector;
    return this.#blocked.size === 0 ? names : names.filter((name) => !this.#blocked.has(name));
  }

  /** Names of queues may come. */
  get readsNames(): boolean {
    return this.#selector.dynamic;
  }

  /** Jobs of unknown classes were met: whether there are others has to be known before the next look. */
  get countsUnknown(): boolean {
    return this.#sentOn.size > 0;
  }

  /** A job of an unknown class was sent on. */
  sentOn(raw: RawJob): void {
    this.#unknown.add(raw);
    this.#sentOn.set(raw.queue, (this.#sentOn.get(raw.queue) ?? 0) + 1);
  }

  /** Does the look that `where` gave last leave out none? */
  get looksAtAll(): boolean {
    return this.#asked === 'all' || this.#asked === 'few';
  }

  /** Serial queues that have more jobs than were asked for. */
  get serialMore(): ReadonlySet<string> {
    return this.#serialMore;
  }

  /** Forgets what it found: jobs came or went back, or the lease was lost. @param names those of the queues may have changed */
  reset(names = false): void {
    this.#rest = undefined;
    if (names) this.#namesAt = 0;
  }

  /** Where to look for so many jobs. */
  where(count: number, now: number): Asked {
    const listQueues = this.#selector.dynamic && now >= this.#namesAt;
    for (const [queue, until] of this.#unknownUntil) if (now >= until) this.#unknownUntil.delete(queue);
    const { strict, names } = this.#selector;
    // Of many, most are left out before anything is made of them.
    const some = strict && names.length > FEW && now < this.#allAt ? this.#nextOf(count) : undefined;
    const shares = some?.map((queue) => ({ queue, limit: count })) ?? this.#selector.shares(count);
    const open = this.#unknownUntil.size === 0 ? shares : shares.filter(({ queue }) => !this.#unknownUntil.has(queue));
    const isPart =
      some !== undefined || (!strict && open.length > FEW && now < this.#allAt && this.#busy !== undefined);
    const asked = isPart && !strict ? this.#someOf(open) : open;
    this.#asked = isPart ? 'some' : open.length <= FEW ? 'few' : 'all';
    this.#lookAgainAfter = Math.max(LOOK_AT_ALL_MS, names.length * LOOK_AT_EACH_MS);
    return { listQueues, shares: asked, countLeft: this.#sentOn.size > 0 };
  }

  looked(asked: Asked, result: SyncReply, now: number): void {
    for (const { queue, more } of result.serial) {
      if (more) this.#serialMore.add(queue);
      else this.#serialMore.delete(queue);
    }
    this.#noteUnknown(result, now);
    const newNames = this.#readNames(asked, result, now);
    const lookedAtAll = this.#noteBusy(result, now);
    this.#noteBlocked(result);
    const { paused, more, jobs, passedOver, heldElsewhere, pausedHasJobs, overLimit } = result;
    const passed = passedOver.forPlace + passedOver.forWorker > 0;
    if (!paused && (more || newNames || !lookedAtAll || (passed && jobs.length > 0))) this.#rest = undefined;
    else if (passed) this.#rest = { why: undefined, until: now + Math.min(this.#interval, PASSED_OVER_MS) };
    else {
      const why = paused ? 'paused' : heldElsewhere ? 'held elsewhere' : pausedHasJobs ? 'paused' : 'empty';
      const wait = Math.min(this.#interval, overLimit?.ms ?? Infinity);
      this.#rest = { why: why === 'empty' && overLimit ? 'over limit' : why, until: now + wait };
    }
  }

  /** Jobs that are sent on come round again: a queue that has nothing else is left alone, and no other waits for it. */
  #noteUnknown({ jobs, left }: SyncReply, now: number): void {
    if (this.#sentOn.size === 0) return;
    const unknown = this.#unknown;
    this.#unknown = new Set();
    for (const raw of jobs) if (!unknown.has(raw)) this.#sentOn.delete(raw.queue);
    for (const [queue, count] of this.#sentOn) {
      const waiting = left.get(queue);
      if (waiting === undefined) continue;
      const taken = jobs.filter((raw) => unknown.has(raw) && raw.queue === queue).length;
      if (count < waiting + taken) continue;
      this.#sentOn.delete(queue);
      this.#unknownUntil.set(queue, now + this.#interval);
    }
  }

  #remember(jobs: readonly RawJob[]): void {
    const queues = new Set<string>();
    for (const job of jobs) queues.add(job.queue);
    this.#jobsInEach = jobs.length / queues.size;
    this.#busy ??= new Set();
    for (const queue of queues) {
      this.#busy.delete(queue);
      this.#busy.add(queue);
    }
    if (this.#selector.strict) this.#busy = new Set([...this.#busy].slice(-RECENT));
  }

  #noteBlocked({ pausedQueues, paused, heldElsewhere, serial }: SyncReply): void {
    this.#allPaused = paused;
    const held = heldElsewhere ? serial.map(({ queue }) => queue) : [];
    const names = [...pausedQueues, ...held, ...this.#unknownUntil.keys(), ...(this.parking ? [this.parking] : [])];
    const ours = new Set(names.length > 0 ? this.#selector.names : []);
    this.#blocked = new Set(names.filter((name) => ours.has(name)));
  }

  /** @returns whether there are new names, or might be: before it rests, it reads them */
  #readNames(asked: Asked, { queues, jobs }: SyncReply, now: number): boolean {
    if (!this.#selector.dynamic) return false;
    if (asked.listQueues) {
      this.#namesAt = now + this.#interval;
      return this.#selector.update(queues);
    }
    if (jobs.length > 0 || this.namesWatched) return false;
    this.#namesAt = 0;
    return true;
  }

  /** Those that had jobs, and as many behind them as may be needed. */
  #nextOf(count: number): string[] | undefined {
    if (!this.#busy) return undefined;
    const needed = Math.ceil((count / this.#jobsInEach) * BEYOND_NEEDED);
    return this.#selector.around(this.#busy, Math.max(BEYOND, needed));
  }

  /** Of a weighted order: those that had jobs, and some behind them. */
  #someOf(all: readonly QueueShare[]): readonly QueueShare[] {
    const busy = this.#busy ?? new Set();
    const last = all.findLastIndex((share) => busy.has(share.queue));
    return all.filter((share, i) => busy.has(share.queue) || (i > last && i <= last + BEYOND));
  }

  /** @returns false where queues were left out of a look that found nothing */
  #noteBusy({ jobs, more }: SyncReply, now: number): boolean {
    if (this.#asked === 'few') return true;
    if (this.#asked === 'all') {
      this.#busy = undefined;
      this.#allAt = now + this.#lookAgainAfter;
    }
    if (jobs.length > 0) this.#remember(jobs);
    if (more || this.#asked === 'all') return true;
    this.#busy = undefined;
    return false;
  }
}
