import { type Clock, sleep } from '../clock.ts';
import { type TickResult, type TickSetting, tick } from './tick.ts';

export interface SchedulerSetting extends TickSetting {
  readonly clock: Clock;
  /** Milliseconds between two ticks. */
  readonly interval: number;
  /** Called after each tick that did something. */
  readonly onTick?: (result: TickResult) => void;
}

const LONGEST_WAIT_MS = 30_000;

/** Ticks until it is stopped; while Redis is away it waits longer and longer. */
export class Scheduler {
  readonly #setting: SchedulerSetting;
  readonly #stop = new AbortController();

  constructor(setting: SchedulerSetting) {
    this.#setting = setting;
  }

  async run(): Promise<void> {
    const { clock, interval, log, onTick } = this.#setting;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      try {
        const result = await tick(this.#setting, clock.now());
        if (failures > 0) log.info('The scheduler reaches Redis again', { failures });
        failures = 0;
        if (result.promoted + result.retried + result.reclaimed + result.failed > 0) onTick?.(result);
      } catch (error) {
        if (failures++ === 0) log.error('A tick failed; trying again until it does not', { error });
      }
      await sleep(
        clock,
        failures === 0 ? interval : Math.min(LONGEST_WAIT_MS, interval * 2 ** failures),
        this.#stop.signal,
      );
    }
  }

  /** Ends after the tick under way. */
  stop(): void {
    this.#stop.abort();
  }
}
