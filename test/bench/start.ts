/** What a cold start costs: size, import, first drain; and the memory that a function needs. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bed } from './bed.ts';
import { type Functions, startFunctions } from './functions.ts';
import { atMost, type Bench, type Row } from './report.ts';
import { range, rounds } from './rounds.ts';

/** For the peak of memory: 128 MB of payloads. */
const WORK = { quick: { jobs: 20, payload: 10_000 }, full: { jobs: 12_800, payload: 10_000 } };
type What = 'import' | 'with a compile cache' | 'first run' | 'first job';
const WHAT: Readonly<Record<'consumer' | 'scheduler', readonly What[]>> = {
  consumer: ['import', 'with a compile cache', 'first run', 'first job'],
  scheduler: ['import', 'with a compile cache', 'first run'],
};
/** MB: the smallest there is; and what Lambda's runtime tells V8 of it. */
const MEMORY = 128;
const V8_OPTIONS = '--max-semi-space-size=6 --max-old-space-size=115';
const PEAK_JOBS = fileURLToPath(new URL('./peak-jobs.ts', import.meta.url));
const MB = 1_000_000;
const CACHE = fileURLToPath(new URL('../../dist/bench-compile-cache', import.meta.url));

export const bench: Bench = async ({ quick, bed }) => {
  const functions = await startFunctions(bed);
  const work = quick ? WORK.quick : WORK.full;
  try {
    const cases = (['consumer', 'scheduler'] as const).flatMap((entry) =>
      (['tcp', 'upstash'] as const).flatMap((backend) =>
        WHAT[entry].map((what) => ({
          entry,
          backend,
          what,
          run: () => startOnce(bed, functions, entry, backend, what),
        })),
      ),
    );
    for (const { entry, backend } of cases) await fillCache((await functions.bundle(entry, backend)).file);
    await bed.redis.client.flushall();
    const times = await rounds(cases, { quick });
    const rows: Row[] = [];
    const median = (entry: string, backend: string, what: What) =>
      times.find((one) => one.entry === entry && one.backend === backend && one.what === what)?.median ?? Number.NaN;
    const peaks = new Map<string, number>();
    for (const { entry, backend, what, ...figures } of times) {
      if (what !== 'import') continue;
      const { bytes, gzipped } = await functions.bundle(entry, backend);
      if (entry === 'consumer') peaks.set(backend, await peak(bed, functions, backend, work));
      rows.push({
        function: entry,
        backend: backend === 'tcp' ? 'TCP' : 'REST',
        'bundle kB': bytes / 1_000,
        'gzipped kB': gzipped / 1_000,
        'import ms': figures.median,
        'min – max': range(figures),
        'with a compile cache': median(entry, backend, 'with a compile cache'),
        'first run ms': median(entry, backend, 'first run'),
        'first job ms': entry === 'consumer' ? median(entry, backend, 'first job') : '',
        'peak MB': peaks.get(backend) && entry === 'consumer' ? (peaks.get(backend) ?? 0) : '',
      });
    }
    const worst = (what: What) =>
      Math.max(...(['tcp', 'upstash'] as const).map((one) => median('consumer', one, what)));
    return {
      title: 'Start',
      notes: [
        'bundles without jobs, minified, 1 kB = 1,000 bytes; import: of the bundle, in a new process',
        'with a compile cache: V8 has compiled the bundle before, as NODE_COMPILE_CACHE keeps it',
        'first run: from the start of the import to the end of a first invocation with nothing to do, connecting included',
        'first job: likewise, to the start of the handler of the job that waits',
        `peak MB: resident memory of a consumer that ran ${work.jobs} jobs of ${work.payload} bytes (concurrency 25,`,
        `in a function of ${MEMORY} MiB), Node itself included`,
      ],
      rows,
      bars: [
        atMost('import of the consumer, ms', 50, worst('import'), {
          reason: () => "over TCP three quarters of it are ioredis with Node's own tls and dns",
        }),
        atMost('from the import to the start of the first job, ms', 80, worst('first job')),
        atMost(
          `memory with 128 MB of jobs in a function of ${MEMORY} MiB, MB`,
          (MEMORY * 1_048_576) / MB,
          Math.max(...peaks.values()),
        ),
      ],
    };
  } finally {
    await functions.stop();
  }
};

/** Node writes it when a process ends by itself, which Lambda's never do. Without settings the import fails, when all is compiled. */
async function fillCache(bundle: string): Promise<void> {
  const program = 'await import(process.argv[1]).catch(() => {}); process.exit()';
  const args = ['--input-type=module', '--eval', program, bundle];
  await promisify(execFile)(process.execPath, args, { env: { NODE_COMPILE_CACHE: CACHE } });
}

async function startOnce(
  { redis }: Bed,
  functions: Functions,
  entry: 'consumer' | 'scheduler',
  backend: 'tcp' | 'upstash',
  what: What,
): Promise<number> {
  const options = what === 'first job' ? { jobs: PEAK_JOBS } : {};
  const env = what === 'with a compile cache' ? { NODE_COMPILE_CACHE: CACHE } : {};
  const lambda = await functions.start(entry, backend, { ...options, env });
  try {
    if (what === 'import' || what === 'with a compile cache') return lambda.initMs;
    if (what === 'first job') await redis.client.rpush('resque:queue:bench', '{"class":"First","args":[]}');
    const began = Date.now();
    const { ms, died, error } = await lambda.invoke();
    if (error ?? died) throw new Error(`The ${entry} function failed:\n${lambda.output}`);
    if (what === 'first run') return lambda.initMs + ms;
    const startedAt = lambda.lines.map((line) => line['startedAt']).find((value) => typeof value === 'number');
    if (startedAt === undefined) throw new Error(`The job did not start:\n${lambda.output}`);
    return lambda.initMs + startedAt - began;
  } finally {
    await lambda.kill();
  }
}

async function peak(
  { redis }: Bed,
  functions: Functions,
  backend: 'tcp' | 'upstash',
  { jobs, payload }: { readonly jobs: number; readonly payload: number },
): Promise<number> {
  const text = 'x'.repeat(payload);
  await redis.client.flushall();
  await redis.client.sadd('resque:queues', 'bench');
  for (let from = 0; from < jobs; from += 100) {
    const chunk = Array.from({ length: Math.min(100, jobs - from) }, (_, i) =>
      JSON.stringify({ class: 'Bench', args: [from + i, 0, text] }),
    );
    await redis.client.rpush('resque:queue:bench', ...chunk);
  }
  const env = { NODE_OPTIONS: V8_OPTIONS, AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${MEMORY}` };
  const lambda = await functions.start('consumer', backend, { jobs: PEAK_JOBS, env });
  const { answer, died } = await lambda.invoke({}, { timeout: 120_000 });
  const { succeeded } = (answer ?? {}) as { succeeded?: number };
  if (died || succeeded !== jobs) throw new Error(`The consumer ran ${succeeded} of ${jobs} jobs:\n${lambda.output}`);
  await redis.client.rpush('resque:queue:bench', JSON.stringify({ class: 'Peak', args: [] }));
  await lambda.invoke();
  const found = lambda.lines.map((line) => line['maxRSS']).find((value) => typeof value === 'number');
  await lambda.kill();
  return ((found ?? Number.NaN) * 1024) / MB;
}
