import { setTimeout as delay } from 'node:timers/promises';
import type { RunLog } from '../helpers/chaos-log.ts';
import type { NetworkFault } from '../helpers/chaos-proxy.ts';
import type { Random } from '../helpers/chaos-random.ts';
import { until } from '../helpers/chaos-wait.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import type { Supervisor } from '../helpers/supervisor.ts';
import type { Fleet } from './fleet.ts';

/** What can happen, and how often in a round of all of them. */
const DECK = {
  'SIGKILL a worker': 6,
  'SIGKILL two workers': 1,
  'SIGKILL a scheduler': 2,
  'SIGTERM a worker': 2,
  'SIGSTOP a worker': 1,
  'SIGTERM a scheduler': 1,
  'SIGKILL Redis': 1,
  'SHUTDOWN Redis': 1,
  'CLIENT KILL': 1,
  'CLIENT PAUSE': 1,
  'SCRIPT FLUSH': 1,
  'maxmemory 1 MB': 1,
  'REPLICAOF a dead host': 1,
  'busy script': 1,
  'cut-request': 1,
  'cut-reply': 2,
  'drop-request': 1,
  'drop-reply': 2,
  'hang-request': 1,
  'hang-reply': 1,
  'delay-request': 1,
  'delay-reply': 1,
} as const satisfies Record<string, number>;

export type Fault = keyof typeof DECK;

export const DECK_SIZE = Object.values(DECK).reduce((sum, count) => sum + count, 0);

export interface FaultsOptions {
  readonly fleet: Fleet;
  readonly redis: TestRedis;
  readonly log: RunLog;
  readonly random: Random;
}

/** Longer than the lease. */
const FREEZE_MS = 5_000;

/** Server arguments for the faults: a script counts as busy soon. */
export const REDIS_ARGS = ['--lua-time-limit', '100'];

/** Deals faults from a shuffled deck, and lets them happen. */
export class Faults {
  /** How often each happened. */
  readonly happened = new Map<Fault, number>();
  readonly #options: FaultsOptions;
  #deck: Fault[] = [];

  constructor(options: FaultsOptions) {
    this.#options = options;
  }

  /** The next fault. One of Redis's is over when this resolves; of the others, only their beginning. */
  async next(): Promise<Fault> {
    const { random } = this.#options;
    if (this.#deck.length === 0) {
      const deck = Object.entries(DECK) as [Fault, number][];
      this.#deck = random.shuffled(deck.flatMap(([fault, count]) => Array.from({ length: count }, () => fault)));
    }
    const fault = this.#deck.pop() as Fault;
    this.happened.set(fault, (this.happened.get(fault) ?? 0) + 1);
    await this.#happen(fault);
    return fault;
  }

  async #happen(fault: Fault): Promise<void> {
    const { fleet, redis, random } = this.#options;
    const { client } = redis;
    // All choices are made, whatever state the fleet is in: the same seed makes the same ones.
    const [worker, other, scheduler] = [random.shuffled(fleet.workers), random.next(), random.pick(fleet.schedulers)];
    const proxy = random.pick(fleet.proxies);
    const ms = random.int(400, 900);
    switch (fault) {
      case 'SIGKILL a worker':
        return this.#atWork(worker)?.kill();
      case 'SIGKILL two workers':
        await Promise.all([worker[0]?.kill(), worker[1]?.kill()]);
        return;
      case 'SIGKILL a scheduler':
        return scheduler.kill();
      case 'SIGTERM a worker':
        return this.#atWork(worker)?.signal('SIGTERM');
      case 'SIGSTOP a worker':
        return this.#atWork(worker)?.freeze(FREEZE_MS);
      case 'SIGTERM a scheduler':
        return scheduler.signal('SIGTERM');
      case 'SIGKILL Redis':
        await redis.kill();
        return redis.start();
      case 'SHUTDOWN Redis':
        await client.shutdown().catch(() => {});
        // It writes all to disk before it lets go of its clients.
        await until(() =>
          client
            .ping()
            .then(() => false)
            .catch(() => true),
        );
        await redis.kill();
        return redis.start();
      case 'CLIENT KILL':
        await client.call('CLIENT', 'KILL', 'TYPE', 'normal');
        return;
      case 'CLIENT PAUSE':
        await client.call('CLIENT', 'PAUSE', ms, 'ALL');
        return this.#answers();
      case 'SCRIPT FLUSH':
        await client.call('SCRIPT', 'FLUSH');
        return;
      case 'maxmemory 1 MB':
        await client.config('SET', 'maxmemory', '1mb');
        await delay(ms);
        await client.config('SET', 'maxmemory', '0');
        return;
      case 'REPLICAOF a dead host':
        await client.call('REPLICAOF', '127.0.0.1', '1');
        await delay(ms);
        await client.call('REPLICAOF', 'NO', 'ONE');
        return;
      case 'busy script':
        await client.call('EVAL', BUSY, 0, ms + other * 100);
        return this.#answers();
      default:
        proxy.inject(fault satisfies NetworkFault);
    }
  }

  /** One that has started a job in its present life, if any has: others have nothing to lose. */
  #atWork(workers: readonly Supervisor[]): Supervisor | undefined {
    const pids = new Set(this.#options.log.read().runs.map(({ pid }) => pid));
    return workers.find(({ life }) => life && pids.has(life.pid)) ?? workers.find(({ life }) => life);
  }

  async #answers(): Promise<void> {
    await until(() => this.#options.redis.client.ping());
  }
}

/** Runs for ARGV[1] ms. */
const BUSY = `
local function ms() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end
local over = ms() + tonumber(ARGV[1])
while ms() < over do end
`;
