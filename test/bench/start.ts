/** What a cold start costs: size, import, first drain; and the memory that a function needs. */
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';
import { type Functions, startFunctions } from './functions.ts';
import type { Bench, Row } from './report.ts';
import { range, rounds } from './rounds.ts';

/** For the peak of memory: 128 MB of payloads. */
const WORK = { quick: { jobs: 200, payload: 10_000 }, full: { jobs: 12_800, payload: 10_000 } };
/** Of V8, MB: what Lambda gives a function of 128 MB, roughly. */
const HEAP = 100;
const PEAK_JOBS = fileURLToPath(new URL('./peak-jobs.ts', import.meta.url));
const MB = 1_000_000;

export const bench: Bench = async ({ quick, bed }) => {
  const functions = await startFunctions(bed);
  const work = quick ? WORK.quick : WORK.full;
  try {
    const cases = (['consumer', 'scheduler'] as const).flatMap((entry) =>
      (['tcp', 'upstash'] as const).flatMap((backend) =>
        (['import', 'first run'] as const).map((what) => ({
          entry,
          backend,
          what,
          run: () => startOnce(functions, entry, backend, what),
        })),
      ),
    );
    await bed.redis.client.flushall();
    const times = await rounds(cases, { quick });
    const rows: Row[] = [];
    for (const { entry, backend, what, ...figures } of times) {
      if (what !== 'import') continue;
      const run = times.find((one) => one.entry === entry && one.backend === backend && one.what !== 'import');
      if (!run) continue;
      const { bytes, gzipped } = await functions.bundle(entry, backend);
      rows.push({
        function: entry,
        backend: backend === 'tcp' ? 'TCP' : 'REST',
        'bundle kB': bytes / 1_000,
        'gzipped kB': gzipped / 1_000,
        'import ms': figures.median,
        'import min – max': range(figures),
        'first run ms': run.median,
        'first run min – max': range(run),
        ...(entry === 'consumer' ? { 'peak MB': await peak(bed, functions, backend, work) } : {}),
      });
    }
    return {
      title: 'Start',
      notes: [
        'bundles without jobs, minified, 1 kB = 1,000 bytes; import: of the bundle, in a new process',
        'first run: from the start of the import to the end of a first invocation with nothing to do, connecting included',
        `peak MB: resident memory of a consumer that ran ${work.jobs} jobs of ${work.payload} bytes (concurrency 25,`,
        `--max-old-space-size=${HEAP}), Node itself included`,
      ],
      rows,
    };
  } finally {
    await functions.stop();
  }
};

async function startOnce(
  functions: Functions,
  entry: 'consumer' | 'scheduler',
  backend: 'tcp' | 'upstash',
  what: 'import' | 'first run',
): Promise<number> {
  const lambda = await functions.start(entry, backend);
  try {
    if (what === 'import') return lambda.initMs;
    const { ms, died, error } = await lambda.invoke();
    if (error ?? died) throw new Error(`The ${entry} function failed:\n${lambda.output}`);
    return lambda.initMs + ms;
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
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP}` };
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
