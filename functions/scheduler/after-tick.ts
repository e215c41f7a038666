import type { Follower, QueueStats, Reclaimed, StatsBroker, Tick } from '../../shared/internal.ts';
import { gaugeLines, ReclaimedCounts } from './gauges.ts';
import type { ConsumerStarter, InvocationStarter } from './start-consumers.ts';

interface AfterTickDeps {
  readonly consumers: ConsumerStarter;
  readonly starter: InvocationStarter;
  readonly stats: StatsBroker;
  /** Somebody has asked for this tick. */
  readonly isRequested: () => boolean;
  readonly keepLock: () => Promise<void>;
  readonly metricsNamespace: string;
  readonly system: string;
  /** AWS's clock, epoch ms. */
  readonly wallTime: () => number;
  /** Queues whose last line said that they are empty; kept up to date. */
  readonly emptyQueues: Set<string>;
  readonly print: (line: string) => void;
}

/** What follows the work of a tick, in one invocation: consumers are started for what waits, and the gauges are written. */
export class AfterTick {
  readonly followers: readonly Follower[];
  readonly onReclaim: (reclaimed: Reclaimed) => void;
  readonly #deps: AfterTickDeps;
  readonly #reclaimed = new ReclaimedCounts();
  /** The whole of the gauges is written once in an invocation. */
  #isFirst = true;
  #stats: QueueStats | undefined;

  constructor(deps: AfterTickDeps) {
    this.#deps = deps;
    this.followers = [
      { name: 'lock', run: deps.keepLock },
      { name: 'start consumers', run: (tick) => this.#start(tick) },
      { name: 'gauges', run: async (tick) => this.#write(tick) },
    ];
    this.onReclaim = (one) => this.#reclaimed.add(one);
  }

  /** A tick for which nobody asked and that moved nothing has nothing to start workers for. */
  #isNeeded({ totals }: Tick): boolean {
    const { promoted, retried, reclaimed, cron, failed } = totals;
    return this.#isFirst || this.#deps.isRequested() || promoted + retried + reclaimed + cron + failed > 0;
  }

  async #start(tick: Tick): Promise<void> {
    if (!this.#isNeeded(tick)) return;
    const { consumers, starter, stats } = this.#deps;
    this.#stats = undefined;
    this.#stats = await consumers.stats(stats, tick.now());
    tick.report(this.#stats.wrong);
    tick.report(await starter.start(this.#stats));
  }

  #write(tick: Tick): void {
    if (!this.#isNeeded(tick)) return;
    const { consumers, metricsNamespace: namespace, system, wallTime, emptyQueues, print } = this.#deps;
    const lines = gaugeLines({
      stats: this.#stats,
      namespace,
      system,
      now: wallTime(),
      consumers: consumers.names,
      reclaimed: this.#reclaimed,
      lateness: tick.totals.lateness,
      empty: emptyQueues,
      whole: this.#isFirst,
    });
    this.#isFirst = false;
    this.#reclaimed.clear();
    for (const line of lines) print(line);
  }
}
