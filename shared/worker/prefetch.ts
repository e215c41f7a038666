import type { WorkerOptions } from '../config.ts';

type PrefetchOptions = Pick<WorkerOptions, 'concurrency' | 'ahead' | 'batchCount'>;

/** By so much the most that is asked for grows with a reservation that came in full: it is known soon enough what is too much. */
const GROWTH = 2;
/** And if the worker had nothing to do meanwhile. */
const HUNGRY_GROWTH = 4;
/** Once something is known, so many times as many jobs tell more: of the first, a part of the time was counted before. */
const ENOUGH = 4;
/** Of a database that is near, in one reservation: larger ones take longer, and neither it nor the worker has less to do. */
const NEAR = 1_000;
/** Of a round trip, so many ms are for each job that comes with it: what the database and the worker do for it. */
const JOB_MS = 0.003;
/** Part of the difference by which a round trip counts as longer; a shorter one counts at once. */
const SLOWER = 1 / 4;
/** Part of the difference by which the distance grows: a machine that is busy makes a round trip longer, too. */
const FARTHER = 1 / 32;

/**
 * How many jobs to reserve: what can start at once, and as many more as are started until the next ones are here: two
 * round trips from now, and `ahead` ms more. It is the bandwidth-delay product: the further the database, the more are on their
 * way.
 *
 * Two rates are measured. Jobs end at the one if all places are taken; they start at the other while there is one to start
 * and a free place: that is what the event loop allows, and far fewer than the free places where handlers burn CPU. The time
 * of a place without a job does not count, so that waiting for Redis does not look like slow jobs.
 */
export class Prefetch {
  readonly #options: PrefetchOptions;
  #roundTrip: number | undefined;
  /** Milliseconds of a round trip in which nobody does anything. */
  #distance: number | undefined;
  readonly #ending = new Rate();
  readonly #starting = new Rate();
  /** Most jobs of one reservation, as far as it has grown. */
  #limit: number;
  /** Most jobs of one reservation, by how far the database is. */
  #most: number;
  #ahead = 0;
  #low = 0;
  #ranDry = false;
  /** Part of the places that have a job. */
  #used = 0;
  #state: 'dry' | 'busy' | 'startable' = 'dry';
  #since: number | undefined;

  constructor(options: PrefetchOptions) {
    this.#options = options;
    this.#limit = Math.min(options.batchCount, options.concurrency);
    this.#most = Math.min(options.batchCount, NEAR);
  }

  /** Milliseconds between a request and its answer; 0 before the first. */
  get roundTrip(): number {
    return this.#roundTrip ?? 0;
  }

  /** Most jobs that should wait for a place, or be on their way. */
  get ahead(): number {
    return this.#ahead;
  }

  /** With so many waiting or fewer, the next ones should be asked for. */
  get low(): number {
    return this.#low;
  }

  /** What is asked for now comes a round trip later, and has to last until what is asked for then has come. */
  get #horizon(): number {
    return this.#options.ahead + 2 * this.roundTrip;
  }

  /** A sync was answered. @param ms since it was sent  @param jobs that came with it */
  answered(ms: number, jobs = 0): void {
    const known = this.#roundTrip ?? ms;
    this.#roundTrip = ms < known ? ms : known + (ms - known) * SLOWER;
    const distance = Math.max(0, ms - jobs * JOB_MS);
    const near = this.#distance ?? distance;
    this.#distance = distance < near ? distance : near + (distance - near) * FARTHER;
    this.#plan();
  }

  jobStarted(): void {
    this.#starting.count++;
  }

  jobEnded(): void {
    this.#ending.count++;
  }

  /** Tells what the worker could do from now on. @param startable jobs that could start  @param free places */
  now(time: number, startable: number, free: number): void {
    const elapsed = time - (this.#since ?? time);
    if (this.#state === 'startable') {
      this.#starting.time += elapsed;
      this.#ending.time += elapsed;
    } else {
      // A place without a job says nothing of how long jobs take.
      this.#ending.time += elapsed * this.#used;
    }
    this.#since = time;
    this.#used = 1 - free / this.#options.concurrency;
    this.#state = free === 0 ? 'busy' : startable > 0 ? 'startable' : 'dry';
    if (this.#state === 'dry') this.#ranDry = true;
  }

  /** Takes what was counted since the last time into account. */
  measure(): void {
    const { concurrency, ahead } = this.#options;
    this.#ending.measure(concurrency, ahead);
    this.#starting.measure(concurrency, ahead);
    this.#plan();
  }

  /** @param free places without a job  @param waiting reserved jobs that have not started */
  want(free: number, waiting: number): number {
    const most = Math.max(1, Math.floor(this.#starting.within(this.#horizon) ?? Infinity));
    return Math.max(0, Math.min(this.#limit, this.#most, Math.min(free + this.ahead, most) - waiting));
  }

  /** Tells how many of a reservation came: a full one may be followed by a larger one. */
  reserved(wanted: number, got: number): void {
    const growth = this.#ranDry ? HUNGRY_GROWTH : GROWTH;
    if (got >= wanted) this.#limit = Math.min(this.#options.batchCount, Math.max(this.#limit, wanted * growth));
    this.#ranDry = false;
  }

  /** Jobs had to be released because they could not start. */
  released(): void {
    this.#limit = Math.max(1, Math.floor(this.#limit / 2));
  }

  /** Once for each sync, since every job asks for what comes of it. */
  #plan(): void {
    const { batchCount, ahead } = this.#options;
    // Those that run while the next ones are only on their way come on top.
    this.#most = Math.min(batchCount, NEAR + Math.floor(this.#ending.within(this.#distance ?? 0) ?? 0));
    // Two reservations: one that is run, and one that is on its way meanwhile.
    this.#ahead = Math.min(2 * this.#most, Math.floor(this.#ending.within(this.#horizon) ?? 0));
    this.#low = this.#ahead * (1 - ahead / 2 / this.#horizon);
  }

  /** Jobs that are started in a millisecond while there is a place: what the event loop allows; undefined while that is not known. */
  get startRate(): number | undefined {
    return this.#starting.within(1);
  }

  /** Jobs that are started in a millisecond, by the lower of the rates; undefined while that is not known. */
  get rate(): number | undefined {
    const [starting, ending] = [this.#starting.within(1), this.#ending.within(1)];
    return starting === undefined || ending === undefined ? undefined : Math.min(starting, ending);
  }
}

/** Events in a millisecond of their own time: a lower rate counts at once, a higher one by half. */
class Rate {
  count = 0;
  /** Milliseconds. */
  time = 0;
  #rate: number | undefined;

  /** How many within so many ms; undefined while nothing was measured. */
  within(ms: number): number | undefined {
    return this.#rate === undefined ? undefined : this.#rate * ms;
  }

  /** @param enough events, or so many ms, to tell anything: with less it goes on counting */
  measure(enough: number, ms: number): void {
    const needed = this.#rate === undefined ? enough : ENOUGH * enough;
    if (this.count < needed && this.time < ms) return;
    const rate = this.time > 0 ? this.count / this.time : Number.MAX_SAFE_INTEGER;
    this.#rate = this.#rate === undefined || rate < this.#rate ? rate : (this.#rate + rate) / 2;
    this.count = 0;
    this.time = 0;
  }
}
