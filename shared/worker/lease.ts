import type {
  HeldJob,
  Reservation,
  StartingJob,
  SyncReply,
  SyncRequest,
  WorkerBroker,
  WorkerPlace,
  WrongKey,
} from '../broker/broker.ts';
import { type Clock, sleep } from '../clock.ts';
import { LambdesqueError, LeaseLostError, RedisAuthError, RedisTypeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RawJob } from '../types.ts';
import { renewToken, tokenOf } from '../wire/worker-id.ts';

/** There is no place for this worker beside the others of its consumer. */
export class NoPlaceError extends LambdesqueError {}

/** What a worker decides of a sync; the lease adds the rest. */
export type SyncPlan = Pick<
  SyncRequest,
  'settle' | 'ran' | 'effects' | 'workingOn' | 'letGo' | 'paces' | 'admit' | 'limited'
> & {
  readonly reserve?: Omit<Reservation, 'firstSeq'>;
};

export interface LeaseOptions {
  readonly store: Pick<WorkerBroker, 'address' | 'sync' | 'start' | 'recover' | 'unregister'>;
  readonly worker: string;
  /** @default its consumer may have any number of workers */
  readonly place?: WorkerPlace;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly duration: number;
  /** Every job that the worker holds: running, waiting, or ended and not settled. */
  readonly held: () => readonly HeldJob[];
  /** Redis lost its last writes, and with them these jobs: it has them in their queues again. */
  readonly onMissing: (jobs: readonly RawJob[]) => void;
  readonly onWrong: (keys: readonly WrongKey[]) => void;
}

/** Resque's heartbeat: others take a worker for dead after five minutes of silence. */
const HEARTBEAT_MS = 60_000;
/** A Redis that cannot be used from the start is told to the user, not waited for. */
const FIRST_TRIES = 3;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/**
 * A worker that finds no place asks once more, after longer than a round trip: one that has looked for the last time and is
 * about to leave would miss the job for which this one was started.
 */
const PLACE_AGAIN_MS = 1_000;
/** Between two lines that say that Redis is still away. */
const REMIND_MS = 30_000;

/**
 * A worker's side of its lease: numbers its syncs and jobs, sends a call again until Redis has answered it, knows Redis's
 * time, and registers anew, under another id, when the lease was lost.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #worker: string;
  #token: string;
  #registered = false;
  #refused = false;
  #call = 0;
  #seq = 0;
  #end = 0;
  #heartbeatAt = -Infinity;
  /** By how much Redis's clock is ahead of ours, ms. */
  #ahead = 0;
  #lastRoundTrip = 0;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#worker = options.worker;
    this.#token = tokenOf(options.worker);
  }

  get worker(): string {
    return this.#worker;
  }

  /** First part of the ids of jobs that have none. */
  get token(): string {
    return this.#token;
  }

  /** When it ends, on our clock; 0 before it has begun. */
  get end(): number {
    return this.#end;
  }

  /** When it should be extended: twice more before it ends. */
  get extendAt(): number {
    return this.#end - (2 * this.#options.duration) / 3;
  }

  /** By how much Redis's clock is ahead of ours, ms, as far as it is known. */
  get ahead(): number {
    return this.#ahead;
  }

  /** How long the last sync was under way, ms. */
  get lastRoundTrip(): number {
    return this.#lastRoundTrip;
  }

  /** Redis's time, epoch ms, as far as it is known: ours before the first sync. */
  redisNow(): number {
    return this.#options.clock.now() + this.#ahead;
  }

  /**
   * @param giveUp aborts the wait for a Redis that is away
   * @throws LeaseLostError after which the next sync registers anew; NoPlaceError; or what Redis said, on the first sync and when
   *   `giveUp` has aborted
   */
  async sync(plan: SyncPlan, giveUp: AbortSignal): Promise<SyncReply> {
    const call = ++this.#call;
    const { store, duration, clock, log, place } = this.#options;
    let asked = 0;
    const { reserve, ...rest } = plan;
    const request = reserve ? { ...rest, reserve: { ...reserve, firstSeq: this.#seq } } : rest;
    try {
      for (;;) {
        const reply = await this.#persist(giveUp, async () => {
          const sentAt = clock.now();
          const beats = sentAt - this.#heartbeatAt >= HEARTBEAT_MS;
          const result = await store.sync({
            ...request,
            worker: this.#worker,
            call,
            now: sentAt + this.#ahead,
            lease: duration,
            ...(this.#registered ? {} : { register: true as const }),
            ...(place ? { place } : {}),
            ...(beats ? { heartbeat: true as const } : {}),
          });
          if (result.kind === 'held') this.#answered(result, sentAt, beats);
          return result;
        });
        if (reply.kind === 'held') {
          this.#seq += reply.jobs.length;
          return reply;
        }
        if (reply.kind === 'lease lost') throw this.#lost(reply.wrong);
        if (reply.kind === 'no place') {
          this.#refused = asked++ > 0;
          if (this.#refused) throw new NoPlaceError(noPlace(place?.maxWorkers));
          await sleep(clock, PLACE_AGAIN_MS, giveUp);
          continue;
        }
        const { given, missing, wrong } = await this.#persist(giveUp, () =>
          store.recover(this.#worker, call - 1, this.#options.held()),
        );
        const fields = { redis: store.address, givenBack: given, again: missing.length };
        log.warn('Redis has lost its last writes; jobs that nobody held any more are back in their queues', fields);
        this.#options.onWrong(wrong);
        this.#options.onMissing(missing);
      }
    } catch (error) {
      // Redis may have carried it out: its numbers must not be given to other jobs.
      this.#seq += plan.reserve?.count ?? 0;
      throw error;
    }
  }

  /** Writes down what has to stand in Redis before these jobs start. @returns those that may */
  async start(jobs: readonly StartingJob[], giveUp: AbortSignal): Promise<RawJob[]> {
    const worker = this.#worker;
    const held = await this.#persist(giveUp, () => this.#options.store.start(worker, jobs));
    return worker === this.#worker ? jobs.flatMap(({ raw }, i) => (held[i] ? [raw] : [])) : [];
  }

  /**
   * Unregisters the worker. Never rejects: what Redis does not take now, it has in flight, to be reclaimed.
   * @param unsettled jobs that could not be settled  @param error why, if they could not
   */
  async leave(unsettled: number, error: unknown): Promise<void> {
    const { log, store } = this.#options;
    try {
      if (error !== undefined) throw error;
      if (this.#refused) return;
      const held = await store.unregister(this.#worker);
      if (held > 0) log.warn('Jobs of this worker are left to be reclaimed when its lease has ended', { jobs: held });
    } catch (cause) {
      const message = 'Redis did not take the last outcomes; those jobs run again when the lease has ended';
      log.error(message, { redis: store.address, jobs: unsettled, error: cause });
    }
  }

  #answered(reply: SyncReply, sentAt: number, beats: boolean): void {
    const now = this.#options.clock.now();
    this.#lastRoundTrip = now - sentAt;
    this.#ahead = reply.now - (sentAt + now) / 2;
    this.#registered = true;
    this.#end = sentAt + this.#options.duration;
    if (beats) this.#heartbeatAt = sentAt;
  }

  /** Tries until Redis answers. */
  async #persist<Answer>(giveUp: AbortSignal, send: () => Promise<Answer>): Promise<Answer> {
    const { clock, store, log } = this.#options;
    let wait = FIRST_WAIT_MS;
    let remindAt = -Infinity;
    for (let tries = 1; ; tries++) {
      try {
        const answer = await send();
        if (tries > 1) log.info('Redis answers again', { redis: store.address, tries });
        return answer;
      } catch (error) {
        const hopeless = error instanceof RedisAuthError || error instanceof RedisTypeError;
        const waits = this.#end > 0 || (!hopeless && tries < FIRST_TRIES);
        if (giveUp.aborted || !waits) throw error;
        const now = clock.now();
        if (now >= remindAt) {
          const fields = { redis: store.address, tries, error };
          log.error('Redis did not carry out a call; trying again until it does', fields);
          remindAt = now + REMIND_MS;
        }
        await sleep(clock, wait, giveUp);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      }
    }
  }

  /** What is left in flight under the old id is reclaimed as a dead worker's. */
  #lost(wrong: WrongKey | undefined): LeaseLostError {
    this.#registered = false;
    this.#heartbeatAt = -Infinity;
    this.#worker = renewToken(this.#worker);
    this.#token = tokenOf(this.#worker);
    if (wrong) this.#options.onWrong([wrong]);
    return new LeaseLostError(
      'The lease ended before it was extended (this process was stopped or blocked, or could not reach Redis, for longer ' +
        'than the lease), and its jobs were given back to their queues. What they did here is not settled; they run again.',
    );
  }
}

function noPlace(maxWorkers: number | undefined): string {
  return `As many workers of this consumer run as may (maxWorkers: ${maxWorkers}), so this one ends; its jobs are theirs to find.`;
}
