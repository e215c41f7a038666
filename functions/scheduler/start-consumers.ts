import { randomUUID } from 'node:crypto';
import { LambdesqueError, type Logger } from '../../shared/index.ts';
import {
  backlogOf,
  functionWorkerOf,
  type Load,
  namedQueues,
  parseQueues,
  pausedBacklogOf,
  type QueueList,
  type QueueStats,
  type StartsBroker,
  type StatsBroker,
  shareStarts,
  spareOf,
  type WrongKey,
  workersToStart,
} from '../../shared/internal.ts';
import type { Aws } from '../aws/requests.ts';
import type { ConsumerTarget } from '../contract/settings.ts';
import { startEvent } from '../runtime/start-event.ts';
import type { AccountLimit } from './account-limit.ts';

/** Some consumers could not be started. The next tick tries again; on demand, whatever tries a failed invocation again. */
export class StartError extends LambdesqueError {}

/** From the start of a function to its worker's registration, ms: its environment may have to be made. */
const COLD_START_MS = 15_000;

/** In so many ms a backlog is to be empty, where nothing else is said. */
const DEFAULT_TARGET_MS = 30_000;

/** Before anything is known of it. */
const NOTHING: Load = { paces: new Map(), waiting: new Map(), held: new Map() };

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
  forInvocation(deps: Omit<StarterDeps, 'system' | 'members'>): InvocationStarter {
    return new InvocationStarter({ ...deps, system: this.#system, members: this.#members });
  }
}

interface StarterDeps {
  readonly system: string;
  readonly members: readonly Member[];
  readonly aws: Pick<Aws, 'startFunction'>;
  /** Those of which no worker has come yet. */
  readonly starts: StartsBroker;
  readonly limit: Pick<AccountLimit, 'workers'>;
  readonly log: Logger;
}

/** What a consumer needs, and what it may have. */
interface Plan {
  readonly member: Member;
  readonly backlog: number;
  readonly live: number;
  readonly pending: number;
  readonly wanted: number;
}

export class InvocationStarter {
  /** How many of each consumer were started. */
  readonly started: Record<string, number> = {};
  /** At the last look jobs waited that have no worker: workers or their queues are paused, or none could be started. */
  unattended = false;
  readonly #deps: StarterDeps;
  #failures: unknown[] = [];

  constructor(deps: StarterDeps) {
    this.#deps = deps;
  }

  /**
   * Starts what the backlog needs. A consumer that cannot be started does not keep the others from it.
   * @returns keys of another type
   */
  async start(stats: QueueStats): Promise<readonly WrongKey[]> {
    const { members, starts } = this.#deps;
    // Nobody says when they are resumed.
    this.unattended = stats.paused
      ? stats.queues.some((one) => one.depth > 0)
      : members.some((member) => pausedBacklogOf(member.list, stats) > 0);
    if (stats.paused || this.#plans(stats, new Map(), NOTHING).every(({ backlog }) => backlog === 0)) return [];
    // Lambda takes every start, and holds back those for which the account has no room: they are to come.
    const deepest = stats.queues.filter(({ depth, paused }) => depth > 0 && !paused).sort((a, b) => b.depth - a.depth);
    const own = stats.workers.filter((one) => functionWorkerOf(one)?.system === this.#deps.system);
    const { counts, load, wrong } = await starts.pending(
      deepest.map(({ name }) => name),
      own,
    );
    const plans = this.#plans(stats, counts, load);
    const shares = await this.#share(plans);
    const made = await this.#start(plans.map(({ member }, i) => ({ member, count: shares[i] ?? 0 })));
    if (plans.some(({ backlog, live }, i) => backlog > 0 && live + (made[i] ?? 0) === 0)) this.unattended = true;
    return wrong;
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

  #plans(stats: QueueStats, starting: ReadonlyMap<string, number>, load: Load): Plan[] {
    const { system, members } = this.#deps;
    const workers = workersByConsumer(stats, system);
    return members.map((member) => {
      const limits = { ...member, targetLatency: member.targetLatency ?? DEFAULT_TARGET_MS };
      const backlog = backlogOf(member.list, stats, load, limits);
      const ids = workers.get(member.name) ?? [];
      const spare = ids.reduce((sum, id) => sum + spareOf(id, load, limits), 0);
      const pending = starting.get(member.name) ?? 0;
      const wanted = workersToStart(limits, { backlog, live: ids.length, spare, starting: pending });
      return { member, backlog: backlog.jobs, live: ids.length, pending, wanted };
    });
  }

  /** Of what they want, what the account leaves them: consumers with reserved concurrency have their own. */
  async #share(plans: readonly Plan[]): Promise<number[]> {
    const { limit, log } = this.#deps;
    const isShared = ({ member }: Plan) => member.reserved !== true;
    if (!plans.some((plan) => isShared(plan) && plan.wanted > 0)) return plans.map(({ wanted }) => wanted);
    const shared = plans.filter(isShared);
    const used = shared.reduce((sum, { live, pending }) => sum + live + pending, 0);
    const most = await limit.workers(log);
    const shares = shareStarts(
      shared.map(({ wanted }) => wanted),
      most - used,
    );
    const missing = shared.reduce((sum, { wanted }, i) => sum + wanted - (shares[i] ?? 0), 0);
    if (missing > 0) {
      log.warn('The account’s limit of concurrent executions leaves no room for more workers', {
        workers: used,
        most,
        missing,
        remedy:
          'Ask for a higher limit (Service Quotas, AWS Lambda, Concurrent executions), or lower maxWorkers of the consumers.',
      });
    }
    return plans.map((plan) => (isShared(plan) ? (shares[shared.indexOf(plan)] ?? 0) : plan.wanted));
  }

  /** @returns how many of each were started */
  async #start(all: readonly { readonly member: Member; readonly count: number }[]): Promise<number[]> {
    const { starts } = this.#deps;
    const planned = all.map(({ member, count }) =>
      Array.from({ length: count }, () => ({
        consumer: member.name,
        id: randomUUID(),
        within: member.maxEventAge + COLD_START_MS,
      })),
    );
    const list = planned.flat();
    if (list.length === 0) return all.map(() => 0);
    await starts.add(list);
    return Promise.all(all.map(({ member }, i) => this.#startOne(member, planned[i] ?? [])));
  }

  async #startOne({ name, functionName }: Member, planned: readonly { readonly id: string }[]): Promise<number> {
    if (planned.length === 0) return 0;
    const { aws, starts, log } = this.#deps;
    const answers = await Promise.allSettled(
      planned.map(({ id }) => aws.startFunction(functionName, startEvent(name, id))),
    );
    const failed = planned.filter((_, i) => answers[i]?.status === 'rejected');
    const reasons = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    const started = planned.length - failed.length;
    this.#failures.push(...reasons);
    if (started > 0) {
      this.started[name] = (this.started[name] ?? 0) + started;
      log.info('started consumers', { consumer: name, workers: started });
    }
    if (failed.length > 0) {
      log.error('Consumers could not be started', { consumer: name, workers: failed.length, error: reasons[0] });
      await starts.remove(failed.map(({ id }) => ({ consumer: name, id })));
    }
    return started;
  }
}

/** Which workers of a system live, by the name of their consumer. */
export function workersByConsumer(stats: Pick<QueueStats, 'workers'>, system: string): Map<string, string[]> {
  const ids = new Map<string, string[]>();
  for (const worker of stats.workers) {
    const whose = functionWorkerOf(worker);
    if (whose?.system === system) ids.set(whose.consumer, [...(ids.get(whose.consumer) ?? []), worker]);
  }
  return ids;
}
