import { setTimeout as delay } from 'node:timers/promises';
import { Intervals } from './intervals.ts';
import { clock, type OnHeld, type Perform } from './peer.ts';
import { Held } from './prefetched-jobs.ts';
import { Tally } from './run-counts.ts';
import { BUCKET, type Watched, type WatchSetting } from './service.ts';

/** Between two looks whether it is over, ms. */
const LOOK = 5;

/**
 * What the handlers of one worker do at which time, and a record of it: when they start, when none of them runs, and
 * when the worker holds jobs that it has not started.
 */
export class Watch {
  readonly #setting: WatchSetting;
  readonly #tally: Tally;
  readonly #starts: number[] = [];
  readonly #idle = new Intervals();
  readonly #held: Held;
  /** From the clock of this process, which is read faster, to the one of all. */
  readonly #offset = clock() - performance.now();
  #began = 0;
  /** When each phase ends. */
  #ends: readonly number[] = [];
  #phase = 0;
  #started = 0;
  #running = 0;
  #busy = 0;

  constructor(setting: WatchSetting) {
    this.#setting = setting;
    this.#tally = new Tally(setting.jobs);
    this.#held = new Held(setting.phases.length, (now) => this.#phaseAt(now));
  }

  /** The workers begin now. @returns when that is, on `clock()` */
  begin(): number {
    this.#began = clock();
    let end = this.#began;
    this.#ends = this.#setting.phases.map(({ seconds }) => {
      end += seconds * 1_000;
      return end;
    });
    this.#idle.begin(this.#began);
    return this.#began;
  }

  readonly perform: Perform = (id) => {
    const now = this.#now();
    const ms = this.#setting.phases[this.#phaseAt(now)]?.ms ?? 0;
    const bucket = Math.floor((now - this.#began) / BUCKET);
    this.#starts[bucket] = (this.#starts[bucket] ?? 0) + 1;
    this.#started++;
    this.#held.started(now);
    if (this.#running === 0) this.#idle.end(now);
    if (ms > 0) return this.#wait(id, ms, now);
    if (this.#running === 0) this.#idle.begin(now);
    this.#tally.mark(id);
    return undefined;
  };

  /** So many jobs that have not started are held in addition, or no longer, since `at` on `clock()`. */
  readonly held: OnHeld = (change, at) => {
    if (change > 0) this.#held.reserved(change, at);
    else this.#held.released(-change, at);
  };

  /** Resolves when all jobs have ended, or the time of the last phase is over. */
  async over(): Promise<void> {
    const end = this.#ends.at(-1) ?? 0;
    while (clock() < end && (this.#started < this.#setting.jobs || this.#running > 0)) await delay(LOOK);
  }

  /** To be asked for when the worker has ended. @throws if a job ran twice */
  figures(): Watched {
    this.#tally.checkNoneTwice();
    const ended = clock();
    this.#idle.end(ended);
    this.#held.end(ended);
    return {
      began: this.#began,
      ended,
      ran: this.#started,
      busy: this.#busy,
      starts: Array.from(this.#starts, (count) => count ?? 0),
      idle: this.#idle.told,
      holding: this.#held.holding,
      held: this.#held.phases,
    };
  }

  async #wait(id: number, ms: number, startedAt: number): Promise<void> {
    this.#running++;
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#tally.mark(id);
    const now = this.#now();
    this.#busy += now - startedAt;
    if (--this.#running === 0) this.#idle.begin(now);
  }

  /** Its number; the last one goes on. */
  #phaseAt(now: number): number {
    while (this.#phase < this.#ends.length - 1 && now >= (this.#ends[this.#phase] ?? 0)) this.#phase++;
    return this.#phase;
  }

  #now(): number {
    return performance.now() + this.#offset;
  }
}
