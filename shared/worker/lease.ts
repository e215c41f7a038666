import type { SyncRequest, SyncResult, WorkerBroker } from '../broker/broker.ts';
import { type Clock, sleep } from '../clock.ts';
import { LeaseLostError, RedisAuthError, RedisTypeError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { tokenOf } from '../wire/worker-id.ts';

/** What a consumer decides of a turn; the lease adds the rest. */
export type SyncPlan = Pick<SyncRequest, 'settle' | 'statuses' | 'cronEnded' | 'workingOn' | 'started'> & {
  /** How many of the jobs that come can start at once. */
  readonly startable: number;
  readonly reserve?: Omit<NonNullable<SyncRequest['reserve']>, 'firstSeq'>;
};

export type SyncReply = Extract<SyncResult, { leaseLost: false }>;

export interface LeaseOptions {
  readonly store: WorkerBroker;
  readonly worker: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly duration: number;
}

/** Resque's heartbeat: others take a worker for dead after five minutes of silence. */
const HEARTBEAT_MS = 60_000;
/** A Redis that cannot be used from the start is told to the user, not waited for. */
const FIRST_TRIES = 3;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** Between two lines that say that Redis is still away. */
const REMIND_MS = 30_000;

/**
 * A worker's side of its lease: numbers its turns and jobs, sends a turn again until Redis has answered it, and
 * registers anew when the lease was lost.
 */
export class Lease {
  readonly worker: string;
  /** First part of the ids of jobs that have none. */
  readonly token: string;
  readonly #options: LeaseOptions;
  readonly #startedAt: number;
  #registered = false;
  #call = 0;
  #seq = 0;
  #end = 0;
  #heartbeatAt = -Infinity;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.worker = options.worker;
    this.token = tokenOf(options.worker);
    this.#startedAt = options.clock.now();
  }

  /** Epoch ms until which nobody else takes this worker's jobs. */
  get end(): number {
    return this.#end;
  }

  /** Epoch ms at which it should be extended: twice more before it ends. */
  get extendAt(): number {
    return this.#end - (2 * this.#options.duration) / 3;
  }

  /**
   * @param giveUp aborts the wait for a Redis that is away
   * @throws LeaseLostError after which the next turn registers anew; or what Redis said, on the first turn and when
   *   `giveUp` has aborted
   */
  async turn(plan: SyncPlan, giveUp: AbortSignal): Promise<SyncReply> {
    const call = ++this.#call;
    const { clock, store, duration, log } = this.#options;
    let wait = FIRST_WAIT_MS;
    let remindAt = 0;
    for (let tries = 1; ; tries++) {
      const now = clock.now();
      const beats = now - this.#heartbeatAt >= HEARTBEAT_MS;
      try {
        const { reserve, startable, ...rest } = plan;
        const result = await store.sync({
          ...rest,
          worker: this.worker,
          call,
          leaseEnd: now + duration,
          ...(this.#registered ? {} : { register: new Date(this.#startedAt) }),
          ...(beats ? { heartbeat: new Date(now) } : {}),
          ...(reserve ? { reserve: { ...reserve, firstSeq: this.#seq } } : {}),
          started: reserve && startable > 0 ? this.#seq + Math.min(startable, reserve.count) - 1 : plan.started,
        });
        if (tries > 1) log.info('Redis answers again', { redis: store.address, tries });
        if (result.leaseLost) {
          this.#seq += plan.reserve?.count ?? 0;
          throw this.#lost();
        }
        this.#registered = true;
        this.#end = now + duration;
        if (beats) this.#heartbeatAt = now;
        this.#seq += result.jobs.length;
        return result;
      } catch (error) {
        if (error instanceof LeaseLostError) throw error;
        const hopeless = error instanceof RedisAuthError || error instanceof RedisTypeError;
        const waits = this.#end > 0 || (!hopeless && tries < FIRST_TRIES);
        if (giveUp.aborted || !waits) {
          // Redis may have carried it out: its numbers must not be given to other jobs.
          this.#seq += plan.reserve?.count ?? 0;
          throw error;
        }
        if (now >= remindAt) {
          log.error('Redis did not carry out a call; trying again until it does', {
            redis: store.address,
            tries,
            error,
          });
          remindAt = now + REMIND_MS;
        }
        await sleep(clock, wait, giveUp);
        wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      }
    }
  }

  /**
   * Unregisters the worker. Never rejects: what Redis does not take now, it has in flight, to be reclaimed.
   * @param unsettled jobs that could not be settled  @param error why, if they could not
   */
  async leave(unsettled: number, error: unknown): Promise<void> {
    const { log, store } = this.#options;
    try {
      if (error !== undefined) throw error;
      const held = await store.leave(this.worker);
      if (held > 0) log.warn('Jobs of this worker are left to be reclaimed when its lease has ended', { jobs: held });
    } catch (cause) {
      const message = 'Redis did not take the last outcomes; those jobs run again when the lease has ended';
      log.error(message, { redis: store.address, jobs: unsettled, error: cause });
    }
  }

  #lost(): LeaseLostError {
    this.#registered = false;
    this.#heartbeatAt = -Infinity;
    return new LeaseLostError(
      'The lease ended before it was extended (this process was stopped or blocked, or could not reach Redis, for longer ' +
        'than the lease), and its jobs were given back to their queues. What they did here is not settled; they run again.',
    );
  }
}
