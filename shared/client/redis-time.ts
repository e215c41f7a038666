import type { WorkerBroker } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import { RedisUnavailableError } from '../errors.ts';

/** How long one answer is gone by, ms: clocks run apart by less than a tenth of a second meanwhile. */
const KEPT_MS = 300_000;
/** If the wall clock and the monotonic one have moved apart by so many ms, one of them was set or stood still (a sleeping machine). */
const APART_MS = 1_000;

interface Answer {
  /** By how much Redis's clock is ahead of the monotonic one, ms. */
  readonly ahead: number;
  /** When it came, on both clocks. */
  readonly at: number;
  readonly wall: number;
}

/**
 * Redis's time for a producer, whose own clock may be minutes off: asked for once, and carried on from there with a
 * monotonic clock.
 */
export class RedisTime {
  readonly #broker: Pick<WorkerBroker, 'time'>;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #wallClock: () => number;
  #answer: Answer | undefined;
  #asking: Promise<Answer> | undefined;

  /** @param clock monotonic  @param wallClock epoch ms */
  constructor(broker: Pick<WorkerBroker, 'time'>, clock: Pick<Clock, 'now'>, wallClock: () => number) {
    this.#broker = broker;
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  /** Epoch ms. Costs a command where it is not known, or not any more. @throws RedisUnavailableError */
  async now(): Promise<number> {
    let answer = this.#fresh();
    if (!answer) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      answer = await this.#asking;
    }
    return this.#clock.now() + answer.ahead;
  }

  /** Epoch ms, as far as it is known without asking: else the producer's own. */
  estimate(): number {
    const answer = this.#fresh();
    return answer ? this.#clock.now() + answer.ahead : this.#wallClock();
  }

  #fresh(): Answer | undefined {
    const answer = this.#answer;
    if (!answer) return undefined;
    const passed = this.#clock.now() - answer.at;
    const apart = Math.abs(this.#wallClock() - answer.wall - passed);
    return passed < KEPT_MS && apart < APART_MS ? answer : undefined;
  }

  async #ask(): Promise<Answer> {
    const time = await this.#timeOrOwn();
    const at = this.#clock.now();
    // Behind by as long as the answer was on its way, which nobody knows: a job may be late by that, but never early.
    this.#answer = { ahead: time - at, at, wall: this.#wallClock() };
    return this.#answer;
  }

  /** Where Redis does not tell its time (an ACL, a proxy that does not know the command), ours is all there is. */
  async #timeOrOwn(): Promise<number> {
    try {
      return await this.#broker.time();
    } catch (error) {
      if (error instanceof RedisUnavailableError) throw error;
      return this.#wallClock();
    }
  }
}
