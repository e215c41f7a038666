import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Bundle, type BundleName, bundle } from '../../infra/build/bundle.ts';
import { startAws } from '../helpers/aws-server.ts';
import { startLambda, type TestLambda } from '../helpers/lambda-runner.ts';
import type { Bed } from './bed.ts';

export type Backend = 'tcp' | 'upstash';

export interface Functions {
  /** Made once. @param jobs path of the jobs module  @default one without jobs */
  bundle(entry: BundleName, backend: Backend, jobs?: string): Promise<Bundle>;
  /** A new environment of the function. */
  start(entry: BundleName, backend: Backend, more?: StartOptions): Promise<TestLambda>;
  /** What was started or is to be: invocations and schedules. */
  readonly pending: () => number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly jobs?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Without a minute tick. */
  readonly onDemand?: boolean;
}

const SECRET = 'bench/redis';
const WAKE = { group: 'bench', schedule: 'next', target: 'bench', role: 'bench', fallback: 'bench' };
const COMMON = { system: 'bench', namespace: 'resque:', metricsNamespace: 'Bench' };

/** The functions' bundles, with an AWS for their secrets. They are made in `dist`. */
export async function startFunctions({ redis, rest }: Bed): Promise<Functions> {
  const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
  await mkdir(dist, { recursive: true });
  const folder = await mkdtemp(join(dist, 'bench-'));
  const noJobs = join(folder, 'jobs.ts');
  await writeFile(noJobs, 'export default [];\n');
  const aws = await startAws();
  aws.secrets.set(SECRET, rest.token);
  const bundles = new Map<string, Promise<Bundle>>();
  const started: TestLambda[] = [];
  const functions: Functions = {
    bundle(entry, backend, jobs = noJobs) {
      const key = `${entry}-${backend}-${jobs === noJobs ? 'none' : 'jobs'}`;
      const made = bundles.get(key) ?? bundle({ entry, backend, jobs, outdir: join(folder, key) });
      bundles.set(key, made);
      return made;
    },
    pending: () => aws.invokes.length + aws.schedules.size,
    async start(entry, backend, { jobs, env = {}, onDemand = false } = {}) {
      const { file } = await functions.bundle(entry, backend, jobs);
      const connection =
        backend === 'tcp'
          ? { kind: 'tcp', url: redis.url }
          : { kind: 'upstash', url: rest.url, token: { service: 'secretsmanager', id: SECRET } };
      const consumer = { consumer: 'default', queues: 'bench', concurrency: 25, maxWorkers: 10 };
      const target = { functionName: 'bench', queues: 'bench', concurrency: 25, maxWorkers: 10, maxEventAge: 60_000 };
      const own = entry === 'consumer' ? consumer : { consumers: { default: target } };
      const settings = { ...COMMON, redis: connection, ...own, ...(onDemand ? { wake: WAKE } : {}) };
      const lambda = await startLambda({ bundle: file, settings, env: { ...aws.env, ...env } });
      started.push(lambda);
      return lambda;
    },
    async stop() {
      await Promise.all(started.map((one) => one.kill()));
      await aws.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return functions;
}
