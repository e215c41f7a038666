import type { Reservation, SyncReply } from '../broker/broker.ts';
import type { OpenQueueWatch, QueueWatch } from '../broker/queue-watch.ts';
import type { Clock } from '../clock.ts';
import { RedisUnavailableError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { QueuePoller } from './queue-poller.ts';

/** What it needs of a worker that waits. */
export interface PushWatchDeps {
  readonly poller: QueuePoller;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks at empty queues, ms; for messages. */
  readonly interval: number;
  /** The loop is to look around. */
  readonly wake: () => void;
  /** Are there jobs that have not ended? */
  readonly isHolding: () => boolean;
  /** Redis is to be asked what is ordered, though there is nothing to say to it. */
  readonly ask: () => void;
}

/** Looks in a row that found nothing, before others seem to be quicker: once, it may have had the job itself, with what it settled. */
const OTHERS_HAD_IT = 2;
/** Whoever found nothing when it was last told of a job lets others be first: up to so many ms, and twice as many each time that it finds nothing again. */
const STAND_BACK_MS = 8;
/** Such as behind a limit: jobs are pushed there, and none can be taken. */
const LONGEST_BACK_MS = 500;
/** A change that a look has met and nobody has told of is told within this time, or not at all. */
const TOLD_WITHIN_MS = 1_000;
/** So many times in a row something goes wrong before anything was told; then nothing is expected of it any more. */
const MOST_FAILURES = 3;
/** Who asks nothing for so long, and has jobs, is told what is ordered meanwhile: to cancel one of them must not wait for the lease. */
const SILENT_MS = 1_000;

/**
 * Has a worker told of pushes to the queues that it found empty, so that it need not look for them.
 *
 * Of each queue the next change is told, once: a worker that is busy is told of nothing, and watches again when it
 * finds no more. To watch also tells whether there are jobs, so that none slips through before. Of several workers that wait for the
 * same queue, all are told: the one that got the last job looks at once; the others a little later, with the cheapest
 * question that there is, and only look if something is left.
 */
export class PushWatch {
  readonly #open: OpenQueueWatch;
  readonly #deps: PushWatchDeps;
  #watch: QueueWatch | undefined;
  readonly #watched = new Set<string>();
  #isArming = false;
  /** Over for good. */
  #isOver = false;
  #isTold = false;
  /** The look to come is for a change that was told. */
  #wasTold = false;
  /** Looks in a row that were for such a change, and found nothing. */
  #inVain = 0;
  /** Losses since something was told last. */
  #failures = 0;
  /** What is ordered is to be watched, and is. */
  #wantsOrders = false;
  #watchesOrders = false;
  #lookedAt = 0;
  #cancelSilence: (() => void) | undefined;
  #cancelDelay: (() => void) | undefined;
  #cancelDoubt: (() => void) | undefined;

  constructor(open: OpenQueueWatch, deps: PushWatchDeps) {
    this.#open = open;
    this.#deps = deps;
  }

  /** A sync was answered. */
  looked(asked: Pick<Reservation, 'shares'> | undefined, { jobs }: Pick<SyncReply, 'jobs'>): void {
    if (this.#isOver) return;
    const { clock } = this.#deps;
    this.#lookedAt = clock.now();
    this.#cancelSilence ??= clock.after(SILENT_MS, () => this.#onSilence());
    if (!asked) return;
    if (jobs.length > 0) this.#inVain = 0;
    else if (this.#wasTold) this.#inVain++;
    this.#wasTold = false;
    const [first] = jobs;
    if (first && !this.#isArming && this.#watched.has(first.queue)) this.#doubt();
    void this.#arm();
  }

  close(): void {
    this.#isOver = true;
    this.#cancelSilence?.();
    this.#reset();
  }

  /** Watches what rests and is not watched. Never rejects. */
  async #arm(): Promise<void> {
    const { poller } = this.#deps;
    if (this.#isArming || this.#isOver) return;
    const queues = poller.watchable;
    const orders = this.#wantsOrders;
    if (!queues && !orders) return;
    const missing = queues?.filter((queue) => !this.#watched.has(queue)) ?? [];
    const names = queues !== undefined && poller.readsNames && !poller.namesWatched;
    if (missing.length === 0 && !names && !orders) {
      poller.watched = true;
      return;
    }
    this.#isArming = true;
    this.#wantsOrders = false;
    const hasJobs = await this.#watchThese(missing, names, orders);
    this.#isArming = false;
    // What was ordered before it was watched is not told.
    if (orders && hasJobs !== undefined) this.#deps.ask();
    // Names that came before they were watched have to be read.
    if (hasJobs || (hasJobs === false && names)) this.#look(names);
    else if (hasJobs === false) void this.#arm();
  }

  /** @returns whether there are jobs; undefined where they cannot be watched */
  async #watchThese(queues: readonly string[], names: boolean, orders: boolean): Promise<boolean | undefined> {
    const { log } = this.#deps;
    try {
      this.#watch ??= await this.#open({
        changed: (...changed) => this.#onChanged(...changed),
        lost: () => this.#onLost(),
      });
      if (this.#isOver) {
        this.#reset();
        return undefined;
      }
      // A change may be told before the answer is here.
      for (const queue of queues) this.#watched.add(queue);
      this.#deps.poller.namesWatched ||= names;
      this.#watchesOrders ||= orders;
      const hasJobs = await this.#watch.watch(queues, names, orders);
      if (this.#isTold) log.info('Redis tells of new jobs again: they start at once');
      this.#isTold = false;
      return hasJobs;
    } catch (error) {
      this.#reset();
      const isAway = error instanceof RedisUnavailableError;
      if (isAway && this.#isOver) return undefined;
      if (!isAway) this.#isOver = true;
      // A connection that breaks while it is made is none that cannot be had.
      if (isAway && !this.#isTold && ++this.#failures < MOST_FAILURES) this.#look(false);
      else if (!this.#isTold) this.#tell(error);
      return undefined;
    }
  }

  #tell(error: unknown): void {
    const { interval, log } = this.#deps;
    this.#isTold = true;
    log.warn('Redis does not tell of new jobs, so they are looked for each interval: they start later', {
      interval: `${interval}ms`,
      error,
      remedy: 'allow CLIENT ID, CLIENT TRACKING, EXISTS, and SUBSCRIBE to __redis__:invalidate, over no proxy',
    });
  }

  #onSilence(): void {
    const { clock, isHolding } = this.#deps;
    const left = this.#lookedAt + SILENT_MS - clock.now();
    this.#cancelSilence = left > 0 ? clock.after(left, () => this.#onSilence()) : undefined;
    if (left > 0 || this.#watchesOrders || !isHolding()) return;
    this.#wantsOrders = true;
    void this.#arm();
  }

  #onChanged(queues: readonly string[], names: boolean, orders: boolean): void {
    if (orders) {
      this.#watchesOrders = false;
      if (this.#deps.isHolding()) this.#deps.ask();
    }
    if (queues.length === 0 && !names) return;
    this.#cancelDoubt?.();
    this.#cancelDoubt = undefined;
    this.#failures = 0;
    for (const queue of queues) this.#watched.delete(queue);
    if (names) this.#deps.poller.namesWatched = false;
    // One that does not rest looks anyway.
    if (this.#deps.poller.watchable === undefined) return;
    if (names || this.#inVain < OTHERS_HAD_IT) this.#look(names);
    else {
      const most = Math.min(LONGEST_BACK_MS, STAND_BACK_MS * 2 ** (this.#inVain - OTHERS_HAD_IT));
      this.#cancelDelay ??= this.#deps.clock.after(Math.random() * most, () => this.#askAgain());
    }
  }

  #askAgain(): void {
    this.#cancelDelay = undefined;
    void this.#arm();
  }

  #look(names: boolean): void {
    this.#wasTold = true;
    this.#deps.poller.reset(names);
    this.#deps.wake();
  }

  #onLost(): void {
    this.#reset();
    if (this.#isOver) return;
    // Pushes may have come meanwhile. (Where it breaks each time, the next look is as soon as without it.)
    if (++this.#failures <= MOST_FAILURES) this.#deps.poller.reset();
    this.#deps.wake();
  }

  #reset(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#watched.clear();
    this.#watchesOrders = false;
    this.#deps.poller.watched = false;
    this.#deps.poller.namesWatched = false;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#cancelDoubt?.();
    this.#cancelDoubt = undefined;
  }

  /** A look has met a job of which nobody has told yet: a connection that is dead without a word looks like this. */
  #doubt(): void {
    const { clock } = this.#deps;
    this.#cancelDoubt ??= clock.after(TOLD_WITHIN_MS, () => {
      this.#onLost();
      if (this.#failures < MOST_FAILURES) return;
      this.#isOver = true;
      this.#tell(new RedisUnavailableError('Jobs came of which it has told nothing.'));
    });
  }
}
