import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest';
import type {
  ConsumerSettings,
  ConsumerTarget,
  DashboardSettings,
  RedisSettings,
  SchedulerSettings,
} from '../../../functions/contract/settings.ts';
import { type BundleName, bundle } from '../../../infra/build/bundle.ts';
import type { CronEntry } from '../../../shared/index.ts';
import { type AwsServer, startAws } from '../../helpers/aws-server.ts';
import { type LambdaOptions, startLambda, type TestLambda } from '../../helpers/lambda-runner.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { type EmulatedLambda, startEmulated } from '../../helpers/runtime-emulator.ts';
import { sharedFolder } from '../../helpers/shared-folder.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';

/** The bundles over both backends, each with a Redis and an AWS of its own. */

export const PASSWORD = 'pa$$word+of/the?test';
/** Where the dashboard's password is kept. */
export const PAGE_SECRET_ID = 'lambdesque/dashboard';
/** Where the password, or the token, is kept. */
export const SECRET_ID = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:redis-AbCdEf';

export interface Bundles {
  readonly backend: RedisSettings['kind'];
  readonly redis: TestRedis;
  readonly db: Redis;
  readonly upstash: UpstashServer;
  readonly aws: AwsServer;
  /** The token, or the password. */
  readonly secret: string;
  readonly redisSettings: RedisSettings;
  /** Ends after the test. */
  consumer(settings?: Partial<ConsumerSettings>, more?: Partial<LambdaOptions>): Promise<TestLambda>;
  scheduler(
    consumers?: Record<string, Partial<ConsumerTarget>>,
    more?: Partial<LambdaOptions>,
    settings?: Partial<SchedulerSettings>,
  ): Promise<TestLambda>;
  dashboard(settings?: Partial<DashboardSettings>, more?: Partial<LambdaOptions>): Promise<TestLambda>;
  /** A consumer under AWS's emulator. @param timeout of the function, s */
  emulated(
    program: string,
    timeout: number,
    settings?: Partial<ConsumerSettings>,
    more?: Partial<LambdaOptions>,
  ): Promise<EmulatedLambda>;
  /** The leases of all workers end: as if the time had passed. */
  endLeases(): Promise<void>;
  /** What a producer does. */
  produce(queue: string, ...payloads: string[]): Promise<void>;
}

/** The system's name. */
export const SYSTEM = 'Test-Jobs';

const COMMON = { system: SYSTEM, namespace: 'resque:', metricsNamespace: 'Test' };

export interface BundlesOptions {
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /** Make the dashboard's bundle as well. @default false */
  readonly dashboard?: boolean;
  /** @default over both */
  readonly only?: RedisSettings['kind'];
}

const NIGHTLY: NonNullable<BundlesOptions['cron']> = { nightly: { cron: '0 3 * * *', class: 'Quick' } };

export function withBundles(
  suite: (bundles: Bundles) => void,
  { cron = NIGHTLY, dashboard = false, only }: BundlesOptions = {},
): void {
  const backends = [
    ['REST', 'upstash'],
    ['TCP', 'tcp'],
  ] as const;
  const wanted = backends.filter(([, backend]) => only === undefined || backend === only);
  describe.each(wanted)('over %s', (_, backend) => {
    let redis: TestRedis;
    let upstash: UpstashServer;
    let aws: AwsServer;
    const folders = { consumer: '', scheduler: '', dashboard: '' };
    let started: TestLambda[] = [];
    let emulated: EmulatedLambda[] = [];

    const open = async (options: LambdaOptions) => {
      const lambda = await startLambda({ ...options, env: { ...aws.env, ...options.env } });
      started.push(lambda);
      return lambda;
    };
    const consumerOf = (given: Partial<ConsumerSettings>) => {
      const settings: ConsumerSettings = {
        ...COMMON,
        redis: bundles.redisSettings,
        consumer: 'default',
        queues: 'q',
        concurrency: 25,
        maxWorkers: 10,
        ...given,
      };
      return { bundle: join(folders.consumer, 'index.mjs'), settings };
    };
    const bundles: Bundles = {
      backend,
      get redis() {
        return redis;
      },
      get db() {
        return redis.client;
      },
      get upstash() {
        return upstash;
      },
      get aws() {
        return aws;
      },
      get secret() {
        return backend === 'tcp' ? PASSWORD : upstash.token;
      },
      get redisSettings(): RedisSettings {
        const secret = { service: 'secretsmanager', id: SECRET_ID } as const;
        return backend === 'tcp'
          ? { kind: 'tcp', url: `redis://127.0.0.1:${redis.port}`, auth: secret }
          : { kind: 'upstash', url: upstash.url, token: secret };
      },
      consumer: (given = {}, more = {}) => open({ ...consumerOf(given), ...more }),
      async emulated(program, timeout, given = {}, more = {}) {
        const { env = {}, ...options } = more;
        const all = { ...consumerOf(given), ...options, env: { ...aws.env, ...env }, timeout };
        const lambda = await startEmulated(program, all);
        emulated.push(lambda);
        return lambda;
      },
      scheduler(targets = {}, more = {}, given = {}) {
        const consumers = Object.fromEntries(
          Object.entries(targets).map(([name, target]) => [
            name,
            {
              functionName: `fn-${name}`,
              queues: 'q',
              concurrency: 10,
              maxWorkers: 10,
              maxEventAge: 60_000,
              ...target,
            },
          ]),
        );
        const settings: SchedulerSettings = { ...COMMON, redis: bundles.redisSettings, consumers, ...given };
        return open({ bundle: join(folders.scheduler, 'index.mjs'), settings, ...more });
      },
      dashboard(given = {}, more = {}) {
        const settings: DashboardSettings = {
          ...COMMON,
          redis: bundles.redisSettings,
          signIn: { kind: 'password', password: { service: 'secretsmanager', id: PAGE_SECRET_ID } },
          version: '1.2.3',
          logGroups: ['/aws/lambda/fn-default'],
          memory: 512,
          ...given,
        };
        return open({ bundle: join(folders.dashboard, 'index.mjs'), settings, ...more });
      },
      async endLeases() {
        for (const worker of await redis.client.zrange('resque:leases', '0', '-1')) {
          await redis.client.zadd('resque:leases', 1, worker);
          const inflight = `resque:inflight:${worker}`;
          if (await redis.client.hexists(inflight, 'lease')) await redis.client.hset(inflight, 'lease', 1);
        }
      },
      async produce(queue, ...payloads) {
        await redis.client.sadd('resque:queues', queue);
        await redis.client.rpush(`resque:queue:${queue}`, ...payloads);
      },
    };

    beforeAll(async () => {
      redis = await startRedis({ password: PASSWORD, appendonly: true });
      upstash = await startUpstash(redis.url);
      aws = await startAws();
      folders.consumer = await bundled(backend, 'consumer', {});
      folders.scheduler = await bundled(backend, 'scheduler', cron);
      if (dashboard) folders.dashboard = await bundled(backend, 'dashboard', cron);
    });

    beforeEach(() => {
      aws.secrets.set(
        SECRET_ID,
        backend === 'tcp' ? JSON.stringify({ username: 'default', password: PASSWORD }) : upstash.token,
      );
    });

    afterEach(async () => {
      await Promise.all([...started.map((one) => one.kill()), ...emulated.map((one) => one.stop())]);
      started = [];
      emulated = [];
      upstash.fault(undefined);
      aws.secrets.clear();
      aws.reads.length = 0;
      aws.invokes.length = 0;
      aws.throttled.clear();
      aws.schedules.clear();
      aws.scheduleCalls.length = 0;
      aws.schedulesDenied = false;
      await redis.client.flushall();
    });

    afterAll(async () => {
      await upstash?.stop();
      await aws?.stop();
      await redis?.stop();
    });

    suite(bundles);
  });
}

/** One function's code, of the jobs beside this file; made once for all test files. */
function bundled(
  backend: RedisSettings['kind'],
  entry: BundleName,
  cron: BundlesOptions['cron'] & {},
): Promise<string> {
  const key = createHash('sha256').update(JSON.stringify(cron)).digest('hex').slice(0, 8);
  return sharedFolder(`${entry}-${backend}-${key}`, async (outdir) => {
    const jobs = join(import.meta.dirname, 'jobs.ts');
    await bundle({ entry, backend, jobs, cron, outdir });
  });
}

/** How many slow jobs have begun. */
export function begun(lambda: TestLambda): number {
  return lambda.lines.filter((line) => line['message'] === 'begun').length;
}

export const job = (className: string, ...args: unknown[]) => JSON.stringify({ class: className, args });
