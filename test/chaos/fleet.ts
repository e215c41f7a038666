import { join } from 'node:path';
import { CHAOS_JOBS } from '../helpers/chaos-bed.ts';
import { FEATURES } from '../helpers/chaos-feature-jobs.ts';
import type { RunLog } from '../helpers/chaos-log.ts';
import { FaultyProxy } from '../helpers/chaos-proxy.ts';
import type { Random } from '../helpers/chaos-random.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import { type SlowProxy, slowProxy } from '../helpers/slow-proxy.ts';
import { endedWell, type Life, Supervisor } from '../helpers/supervisor.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';
import { LEDGER } from './plan.ts';

export interface FleetOptions {
  readonly redis: TestRedis;
  readonly folder: string;
  readonly log: RunLog;
  readonly random: Random;
  readonly quick: boolean;
}

/** Milliseconds to the far Redis and back, and how much that varies. */
const FAR = { rtt: 60, jitter: 20 };
/** Shorter than the least that a hanging connection hangs. */
const LEASE = '3s';
const FLAGS = ['--lease', LEASE, '--interval', '300ms', '--shutdown-timeout', '5s', '--jobs', CHAOS_JOBS];
const ALL = ['a', 'b', 'c', LEDGER, FEATURES];

/** Where a process finds its Redis. */
type Place = 'near' | 'far' | 'rest';

/** Workers and schedulers near to Redis, far from it and behind the REST API, each with a proxy of its own. */
export class Fleet {
  readonly workers: Supervisor[] = [];
  readonly schedulers: Supervisor[] = [];
  /** Of all processes, and of the producer. */
  readonly proxies: FaultyProxy[] = [];
  readonly #options: FleetOptions;
  readonly #hangs: number;
  #slow: SlowProxy | undefined;
  #upstash: UpstashServer | undefined;

  private constructor(options: FleetOptions) {
    this.#options = options;
    this.#hangs = options.quick ? 5_000 : 12_000;
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options);
    fleet.#slow = await slowProxy({ target: options.redis.port, ...FAR, random: options.random.next });
    fleet.#upstash = await startUpstash(options.redis.url);
    await fleet.#work('near', ALL.join(), 5);
    await fleet.#work('far', ALL.toReversed().join(), 25);
    await fleet.#work('rest', '*', 5);
    if (!options.quick) await fleet.#work('near', `a=3,b=1,c=1,ledger=1,${FEATURES}=2`, 10, '--scheduler');
    await fleet.#schedule('near');
    await fleet.#schedule('rest');
    if (!options.quick) await fleet.#schedule('far');
    return fleet;
  }

  get all(): Supervisor[] {
    return [...this.workers, ...this.schedulers];
  }

  get lives(): Life[] {
    return this.all.flatMap((one) => one.lives);
  }

  /** A proxy to Redis, for somebody else. */
  async proxy(target: number): Promise<FaultyProxy> {
    const proxy = await FaultyProxy.to({ target, hangs: this.#hangs, delays: 1_500 });
    this.proxies.push(proxy);
    return proxy;
  }

  /** SIGTERM to all. @returns the processes that did not end by themselves then */
  async stop(): Promise<Life[]> {
    const lives = await Promise.all(this.all.map((one) => one.stop()));
    return lives.flatMap((life) => life ?? []).filter((life) => !endedWell(life));
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((one) => one.stop(0)));
    for (const proxy of this.proxies) proxy.close();
    void this.#slow?.stop();
    await this.#upstash?.stop();
  }

  async #work(place: Place, queues: string, concurrency: number, ...flags: readonly string[]): Promise<void> {
    const name = `worker-${this.workers.length + 1}-${place}`;
    const own = ['--queues', queues, '--serial', LEDGER, '--concurrency', String(concurrency), ...flags];
    this.workers.push(await this.#supervise(name, place, own));
  }

  async #schedule(place: Place): Promise<void> {
    const name = `scheduler-${this.schedulers.length + 1}-${place}`;
    this.schedulers.push(await this.#supervise(name, place, ['--queues', 'nothing', '--scheduler']));
  }

  async #supervise(name: string, place: Place, flags: readonly string[]): Promise<Supervisor> {
    const { folder, log } = this.#options;
    return new Supervisor({
      name,
      args: ['work', ...flags, ...FLAGS, ...(await this.#address(place))],
      env: { CHAOS_LOG: log.path },
      folder: join(folder, 'output'),
      onEnd: (life) => log.mark('X', life.pid, life.how ?? ''),
    });
  }

  async #address(place: Place): Promise<string[]> {
    const { redis } = this.#options;
    if (place === 'rest') {
      const { url = '', token = '' } = this.#upstash ?? {};
      const { port } = await this.proxy(Number(new URL(url).port));
      return ['--upstash-url', `http://127.0.0.1:${port}`, '--upstash-token', token];
    }
    const { port } = await this.proxy(place === 'far' ? (this.#slow?.port ?? 0) : redis.port);
    return ['--uri', `redis://127.0.0.1:${port}`];
  }
}
