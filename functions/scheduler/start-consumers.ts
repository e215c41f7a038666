import { LambdesqueError, type Logger } from '../../shared/index.ts';
import {
  backlogOf,
  type Clock,
  functionWorkerOf,
  namedQueues,
  parseQueues,
  pausedBacklogOf,
  type QueueList,
  type QueueStats,
  type StatsBroker,
  workersToStart,
} from '../../shared/internal.ts';
import type { Aws } from '../aws/requests.ts';
import type { ConsumerTarget } from '../contract/settings.ts';

/** Some consumers could not be started. The next tick tries again; on demand, whatever tries a failed invocation again. */
export class StartError extends LambdesqueError {}

/** A function that was started counts as starting for so long; then it has registered, or has ended already. */
const STARTING_MS = 5_000;

interface Member extends ConsumerTarget {
  readonly name: string;
  readonly list: QueueList;
}

/** The consumers that a scheduler starts: those of its system. */
export class ConsumerStarter {
  readonly names: readonly string[];
  readonly #system: string;
  readonly #members: readonly Member[];
  /** Queues that their lists name: they are looked at even where Resque's `queues` does not know them. */
  readonly #named: readonly string[];
  /** The last stats, whichever invocation read them: most of what was there is there at the next one. */
  #seen: QueueStats | undefined;

  /** @throws ConfigError */
  constructor(system: string, targets: Readonly<Record<string, ConsumerTarget>>) {
    this.#system = system;
    this.names = Object.keys(targets);
    this.#members = Object.entries(targets).map(([name, target]) => ({
      ...target,
      name,
      list: parseQueues(target.queues, target.order),
    }));
    this.#named = [...new Set(this.#members.flatMap((one) => namedQueues(one.list)))];
  }

  /** @param now Redis's time, epoch ms */
  async stats(store: StatsBroker, now: number): Promise<QueueStats> {
    this.#seen = await store.read(this.#named, this.#seen, now);
    return this.#seen;
  }

  /** One scheduler's starts in one invocation. */
  forInvocation(aws: Pick<Aws, 'startFunction'>, clock: Clock, log: Logger): InvocationStarter {
    return new InvocationStarter(this.#system, this.#members, aws, clock, log);
  }
}

export class InvocationStarter {
  /** How many of each consumer were started. */
  readonly started: Record<string, number> = {};
  /** At the last look jobs waited that have no worker: workers or their queues are paused, or none could be started. */
  unattended = false;
  readonly #system: string;
  readonly #members: readonly Member[];
  readonly #aws: Pick<Aws, 'startFunction'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  #recent: { readonly name: string; readonly at: number }[] = [];
  #failures: unknown[] = [];

  constructor(system: string, members: readonly Member[], aws: Pick<Aws, 'startFunction'>, clock: Clock, log: Logger) {
    this.#system = system;
    this.#members = members;
    this.#aws = aws;
    this.#clock = clock;
    this.#log = log;
  }

  /** Starts what the backlog needs. A consumer that cannot be started does not keep the others from it. */
  async start(stats: QueueStats): Promise<void> {
    // Nobody says when they are resumed.
    this.unattended = stats.paused
      ? stats.queues.some((one) => one.depth > 0)
      : this.#members.some((member) => pausedBacklogOf(member.list, stats) > 0);
    if (stats.paused) return;
    const now = this.#clock.now();
    this.#recent = this.#recent.filter((one) => now - one.at < STARTING_MS);
    const live = workersByConsumer(stats, this.#system);
    await Promise.all(
      this.#members.map(async (member) => {
        const count = workersToStart(member, {
          backlog: backlogOf(member.list, stats),
          live: live.get(member.name) ?? 0,
          starting: this.#recent.filter((one) => one.name === member.name).length,
        });
        if (count > 0 && (await this.#startOne(member, count, now)) === 0) this.unattended = true;
      }),
    );
  }

  /** @throws StartError if any start failed, with the first reason */
  check(): void {
    const [first] = this.#failures;
    if (first === undefined) return;
    const reason = first instanceof Error ? first.message : String(first);
    throw new StartError(`${this.#failures.length} consumers could not be started; they are tried again. ${reason}`, {
      cause: first,
    });
  }

  /** @returns how many were started */
  async #startOne({ name, functionName }: Member, count: number, now: number): Promise<number> {
    const event = { source: 'lambdesque.scheduler', consumer: name };
    const starts = await Promise.allSettled(
      Array.from({ length: count }, () => this.#aws.startFunction(functionName, event)),
    );
    const failures = starts.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown);
    const started = count - failures.length;
    this.#failures.push(...failures);
    for (let i = 0; i < started; i++) this.#recent.push({ name, at: now });
    if (started > 0) {
      this.started[name] = (this.started[name] ?? 0) + started;
      this.#log.info('started consumers', { consumer: name, workers: started });
    }
    if (failures.length > 0) {
      this.#log.error('Consumers could not be started', {
        consumer: name,
        workers: failures.length,
        error: failures[0],
      });
    }
    return started;
  }
}

/** How many workers of a system live, by the name of their consumer. */
export function workersByConsumer(stats: Pick<QueueStats, 'workers'>, system: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const worker of stats.workers) {
    const whose = functionWorkerOf(worker);
    if (whose?.system === system) counts.set(whose.consumer, (counts.get(whose.consumer) ?? 0) + 1);
  }
  return counts;
}
