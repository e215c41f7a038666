import type { TickSnapshot } from '../broker/redis/stats.ts';
import { type Clock, sleep } from '../clock.ts';
import { type TickDeps, type TickResult, tick } from './tick.ts';

export interface SchedulerDeps extends TickDeps {
  readonly clock: Clock;
  /** Longest time between two ticks, ms: what is enqueued meanwhile may be due before anything that was known. */
  readonly interval: number;
  /** Called after each tick that did something. */
  readonly onTick?: (result: TickResult) => void;
}

/** A tick as soon as something is due would be no tick at all. */
const SHORTEST_WAIT_MS = 10;
const LONGEST_WAIT_MS = 30_000;

/** Ticks until it is stopped: at its interval, and on time for what is due before. Waits longer while Redis is away. */
export class Scheduler {
  readonly #setting: SchedulerDeps;
  readonly #stop = new AbortController();

  constructor(setting: SchedulerDeps) {
    this.#setting = setting;
  }

  async run(): Promise<void> {
    const { clock, interval, log, onTick } = this.#setting;
    let failures = 0;
    while (!this.#stop.signal.aborted) {
      let wait = interval;
      try {
        const result = await tick(this.#setting, clock.now());
        if (failures > 0) log.info('The scheduler reaches Redis again', { failures });
        failures = 0;
        if (result.promoted + result.retried + result.reclaimed + result.cron + result.failed > 0) onTick?.(result);
        wait = Math.min(interval, Math.max(SHORTEST_WAIT_MS, (result.nextAt ?? Infinity) - clock.now()));
      } catch (error) {
        if (failures++ === 0) log.error('A tick failed; trying again until it does not', { error });
        wait = Math.min(LONGEST_WAIT_MS, interval * 2 ** failures);
      }
      await sleep(clock, wait, this.#stop.signal);
    }
  }

  /** Ends after the tick under way. */
  stop(): void {
    this.#stop.abort();
  }
}

/**
 * Ticks once, and then for as long as something is known to be due before `until`: a scheduled function stays for what
 * comes before its next run. Not for the end of a lease: most are extended, and the next run is soon enough for the rest.
 * @param until epoch ms, asked after each tick
 * @param outlook of the first tick, read just now
 * @returns each tick's result, the last one first known to reach beyond `until`
 */
export async function tickUntil(
  setting: Omit<SchedulerDeps, 'interval' | 'onTick'> & {
    /** Called after each tick, and waited for. */
    readonly onTick?: (result: TickResult) => Promise<void>;
    /** Waits until a time, or for a reason to look before. @default until that time */
    readonly wait?: ((until: number) => Promise<void>) | undefined;
  },
  until: () => number,
  outlook?: TickSnapshot,
): Promise<TickResult[]> {
  const { clock } = setting;
  const wait = setting.wait ?? ((time: number) => sleep(clock, time - clock.now()));
  const results: TickResult[] = [];
  for (;;) {
    const result = await tick(setting, clock.now(), results.length === 0 ? outlook : undefined);
    results.push(result);
    await setting.onTick?.(result);
    const { nextAt } = result;
    if (nextAt === undefined || nextAt >= until()) return results;
    await wait(Math.max(nextAt, clock.now() + SHORTEST_WAIT_MS));
  }
}
