/** What the tests with dying workers stand on: one Redis, one scheduler that lives on, and scenes beside each other. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HeldJobs, idOf } from './chaos-held-jobs.ts';
import { countJobs } from './chaos-job-counts.ts';
import { RunLog } from './chaos-log.ts';
import { until } from './chaos-wait.ts';
import { startRedis, type TestRedis, type TestRedisOptions } from './redis-server.ts';
import { endedWell, type Life, Supervisor, type SupervisorOptions } from './supervisor.ts';

/** The job classes in chaos-jobs.ts. */
export const CHAOS_JOBS = fileURLToPath(new URL('./chaos-jobs.ts', import.meta.url));
/** As short as leaves a slow machine time to extend it. */
export const LEASE = '2s';

/** A job's payload, as a producer in another language might write it. */
export function payloadOf(className: string, id: string, ...work: readonly (string | number)[]): string {
  return JSON.stringify({ class: className, args: [id, ...work], id });
}

/** A failed entry of one of our jobs. */
export interface FailedJob {
  readonly id: string | undefined;
  readonly text: string;
  readonly queue: string;
  readonly exception: string;
  readonly error: string;
}

export async function failedJobs(redis: TestRedis['client']): Promise<FailedJob[]> {
  return (await redis.lrange('resque:failed', 0, -1)).map((text) => {
    const { queue, exception, error } = JSON.parse(text) as Omit<FailedJob, 'id' | 'text'>;
    return { id: idOf(text), text, queue, exception, error };
  });
}

/** Pushes in portions, in order. */
export async function pushAll(redis: TestRedis['client'], queue: string, payloads: readonly string[]): Promise<void> {
  await redis.sadd('resque:queues', queue);
  for (let i = 0; i < payloads.length; i += 1_000) {
    await redis.rpush(`resque:queue:${queue}`, ...payloads.slice(i, i + 1_000));
  }
}

export interface BedOptions extends TestRedisOptions {
  /** Run one beside the scenes. @default true */
  readonly scheduler?: boolean;
  /** Where its own folder goes. @default the machine's for temporary files */
  readonly folder?: string;
}

export class Bed {
  readonly redis: TestRedis;
  readonly folder: string;
  readonly #scheduler: Supervisor | undefined;
  readonly #scenes = new Set<Scene>();
  #count = 0;

  private constructor(redis: TestRedis, folder: string, scheduler: boolean) {
    this.redis = redis;
    this.folder = folder;
    const flags = ['--queues', 'nothing', '--scheduler', '--uri', redis.url, '--jobs', CHAOS_JOBS];
    const env = { CHAOS_LOG: join(folder, 'scheduler.log') };
    if (scheduler) this.#scheduler = new Supervisor({ name: 'scheduler', args: ['work', ...flags], env, folder });
  }

  static async open(options: BedOptions = {}): Promise<Bed> {
    const { folder = tmpdir(), scheduler = true } = options;
    mkdirSync(folder, { recursive: true });
    return new Bed(await startRedis(options), mkdtempSync(join(folder, 'lambdesque-bed-')), scheduler);
  }

  /** A scene has queues, workers and a log of its own: several do not see each other. */
  scene(name: string): Scene {
    const scene = new Scene(this, `${name}-${String(++this.#count).padStart(3, '0')}`);
    this.#scenes.add(scene);
    return scene;
  }

  /** @param keep leave the folder with all outputs and logs */
  readonly close = async (keep = false): Promise<void> => {
    // A test's Redis alone does not keep the process from ending while it is waited for.
    const alive = setInterval(() => {}, 1_000);
    await Promise.all([...this.#scenes].map((scene) => scene.close()));
    await this.#scheduler?.stop();
    await this.redis.stop();
    if (keep !== true) rmSync(this.folder, { recursive: true, force: true });
    clearInterval(alive);
  };
}

export class Scene {
  readonly name: string;
  readonly folder: string;
  readonly log: RunLog;
  readonly held = new HeldJobs();
  readonly workers: Supervisor[] = [];
  readonly #bed: Bed;

  constructor(bed: Bed, name: string) {
    this.#bed = bed;
    this.name = name;
    this.folder = join(bed.folder, name);
    mkdirSync(this.folder);
    this.log = new RunLog(join(this.folder, 'runs.log'));
  }

  get redis(): TestRedis['client'] {
    return this.#bed.redis.client;
  }

  /** A queue that only this scene has. */
  queue(name = 'work'): string {
    return `${name}.${this.name}`;
  }

  push(payloads: readonly string[], queue = this.queue()): Promise<void> {
    return pushAll(this.redis, queue, payloads);
  }

  /** A worker under a supervisor. @param flags beside Redis, jobs module and lease */
  work(flags: readonly string[], options: Partial<SupervisorOptions> = {}): Supervisor {
    const redis = flags.includes('--upstash-url') ? [] : ['--uri', this.#bed.redis.url];
    const supervisor = new Supervisor({
      name: `worker-${this.workers.length + 1}`,
      args: ['work', '--jobs', CHAOS_JOBS, '--lease', LEASE, '--interval', '200ms', ...redis, ...flags],
      folder: this.folder,
      ...options,
      env: { CHAOS_LOG: this.log.path, ...options.env },
      onEnd: (life) => {
        this.log.mark('X', life.pid, life.how ?? '');
        void this.held.look(this.redis).catch(() => {});
        options.onEnd?.(life);
      },
    });
    this.workers.push(supervisor);
    return supervisor;
  }

  /** All processes of all its workers. */
  get lives(): Life[] {
    return this.workers.flatMap((worker) => worker.lives);
  }

  async failed(): Promise<FailedJob[]> {
    return (await failedJobs(this.redis)).filter(({ queue }) => queue.endsWith(`.${this.name}`));
  }

  /** What stands in Redis for this scene's workers: in flight, leases, registrations. */
  async traces(): Promise<string[]> {
    const own = (text: string) => text.includes(`.${this.name}`);
    const { redis } = this;
    const keys = [...(await redis.keys('resque:inflight:*')), ...(await redis.keys('resque:worker:*'))];
    const members = [...(await redis.zrange('resque:leases', '0', '-1')), ...(await redis.smembers('resque:workers'))];
    return [...keys, ...members, ...(await redis.hkeys('resque:workers:heartbeat'))].filter(own);
  }

  /** How many jobs wait in its queues, or for a retry, or are in flight. */
  async waiting(...queues: readonly string[]): Promise<number> {
    const own = queues.length > 0 ? queues : [this.queue()];
    const { queued, inFlight, retries } = await countJobs(this.redis, own, `.${this.name}`);
    return queued + inFlight + retries;
  }

  /** Ends its workers. @returns what is wrong with that: a worker that did not end by itself, a key that stayed */
  async end(): Promise<string[]> {
    const ends = await Promise.all(this.workers.map((worker) => worker.stop()));
    const wrong = ends.flatMap((life) =>
      life && !endedWell(life) ? [`${life.name} ended by ${life.how} after SIGTERM: ${life.output}`] : [],
    );
    // The leases of workers that died last end soon.
    const gone = await until(async () => (await this.traces()).length === 0);
    if (!gone) wrong.push(`left in Redis: ${(await this.traces()).join(', ')}`);
    return wrong;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop(0)));
    this.log.close();
  }
}
