import type { RunReport } from '../../shared/index.ts';
import type { Clock } from '../../shared/internal.ts';
import { dimensionValue, emfLine } from '../aws/embedded-metrics.ts';
import { Histogram } from './histogram.ts';

interface RunMetricsOptions {
  readonly namespace: string;
  readonly system: string;
  readonly consumer: string;
  /** A line for each class of a queue, with a dimension of its own. */
  readonly byClass: boolean;
  readonly clock: Clock;
  /** AWS's clock, epoch ms: the lines carry it. */
  readonly wallTime: () => number;
  readonly print: (line: string) => void;
}

/** A line covers no longer time: CloudWatch gives all of it the minute in which it is printed. */
const LONGEST_MS = 10_000;
/** Bounds the memory where each job comes from a queue of its own. */
const MOST_GROUPS = 100;

/** The runs of one invocation, added up: a line of metrics for each queue now and then, however many jobs run. */
export class RunMetrics {
  readonly #options: RunMetricsOptions;
  #groups = new Map<string, Group>();
  #since = 0;

  constructor(options: RunMetricsOptions) {
    this.#options = options;
  }

  record(run: RunReport): void {
    if (run.outcome === 'released') return;
    const now = this.#options.clock.now();
    if (this.#groups.size === 0) this.#since = now;
    this.#groupOf(run).add(run);
    if (now - this.#since >= LONGEST_MS || this.#groups.size >= MOST_GROUPS) this.flush();
  }

  /** Prints what has not been printed. */
  flush(): void {
    const { namespace, system, consumer, wallTime, print } = this.#options;
    for (const group of this.#groups.values()) {
      const { queue, class: className } = group;
      const dimensions = { system, consumer, queue, ...(className === undefined ? {} : { class: className }) };
      print(emfLine({ namespace, now: wallTime(), dimensions, values: group.values() }));
    }
    this.#groups = new Map();
  }

  #groupOf(run: RunReport): Group {
    const className = this.#options.byClass ? dimensionValue(run.class ?? '') : undefined;
    const key = JSON.stringify([run.queue, className]);
    let group = this.#groups.get(key);
    if (!group) {
      group = new Group(dimensionValue(run.queue), className);
      this.#groups.set(key, group);
    }
    return group;
  }
}

class Group {
  readonly queue: string;
  readonly class: string | undefined;
  readonly #counts = { succeeded: 0, failed: 0, retried: 0, discarded: 0 };
  readonly #durations = new Histogram();
  readonly #waits = new Histogram();

  constructor(queue: string, className: string | undefined) {
    this.queue = queue;
    this.class = className;
  }

  add(run: RunReport): void {
    if (run.outcome !== 'released') this.#counts[run.outcome]++;
    this.#durations.add(run.ms);
    // Of a retried job it would count the waits between its attempts, too.
    if (run.waitMs !== undefined && run.attempt === 1) this.#waits.add(run.waitMs);
  }

  values() {
    const { succeeded, failed, retried, discarded } = this.#counts;
    return {
      processed: succeeded + failed + retried + discarded,
      succeeded,
      failed,
      retried,
      duration: this.#durations.toDistribution(),
      ...(this.#waits.size > 0 ? { queueWait: this.#waits.toDistribution() } : {}),
    };
  }
}
