import type { TickSnapshot } from '../broker/broker.ts';
import { sleep } from '../clock.ts';
import { RedisUnavailableError } from '../errors.ts';
import { ProblemLog } from './problem-log.ts';
import type { TickTotals } from './step.ts';
import { type TickDeps, type TickResult, tick } from './tick.ts';

export interface SchedulerDeps extends TickDeps {
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
  readonly #deps: SchedulerDeps;
  readonly #stop = new AbortController();

  constructor(deps: SchedulerDeps) {
    this.#deps = { problems: new ProblemLog(deps.log, deps.clock), ...deps };
  }

  async run(): Promise<void> {
    const { clock, interval, log, onTick } = this.#deps;
    const { signal } = this.#stop;
    let failures = 0;
    const fail = (error: unknown) => {
      if (failures++ === 0) log.error('A tick failed; trying again until it does not', { error });
      return Math.min(LONGEST_WAIT_MS, interval * 2 ** failures);
    };
    while (!signal.aborted) {
      let wait = interval;
      try {
        const result = await tick(this.#deps, { signal });
        if (didSomething(result)) onTick?.(result);
        const away = result.errors.find((error) => error instanceof RedisUnavailableError);
        if (away) {
          wait = fail(away);
        } else {
          if (failures > 0) log.info('The scheduler reaches Redis again', { failures });
          failures = 0;
          wait = Math.min(interval, Math.max(SHORTEST_WAIT_MS, (result.nextAt ?? Infinity) - result.endedAt));
        }
      } catch (error) {
        wait = fail(error);
      }
      await sleep(clock, wait, signal);
    }
  }

  /** Ends at once while it waits, and during a tick as soon as the share of a step that is under way has ended. */
  stop(): void {
    this.#stop.abort();
  }
}

function didSomething({ promoted, retried, reclaimed, cron, failed }: TickTotals): boolean {
  return promoted + retried + reclaimed + cron + failed > 0;
}

/**
 * Ticks once, and then for as long as something is known to be due before `until`: a scheduled function stays for what
 * comes before its next run. Not for the end of a lease: most are extended, and the next run is soon enough for the rest.
 * @param until on the clock, ms, asked before each tick and after it
 * @param snapshot of the first tick, read just now
 * @returns each tick's result, the last one first known to reach beyond `until`
 * @throws what keeps a tick from looking what is due; what keeps single steps from their work is in the results
 */
export async function tickUntil(
  deps: TickDeps & {
    /** Waits until a time on the clock, or for a reason to look before. @default until that time */
    readonly wait?: ((until: number) => Promise<void>) | undefined;
  },
  until: () => number,
  snapshot?: TickSnapshot,
): Promise<TickResult[]> {
  const { clock } = deps;
  const wait = deps.wait ?? ((time: number) => sleep(clock, time - clock.now()));
  const all = { problems: new ProblemLog(deps.log, clock), ...deps };
  const results: TickResult[] = [];
  for (;;) {
    const result = await tick(all, { until: until(), snapshot: results.length === 0 ? snapshot : undefined });
    results.push(result);
    if (result.nextAt === undefined) return results;
    const next = clock.now() + result.nextAt - result.endedAt;
    if (next >= until()) return results;
    await wait(Math.max(next, clock.now() + SHORTEST_WAIT_MS));
  }
}
