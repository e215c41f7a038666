/**
 * One process that enqueues and runs jobs with all that rides on jobs: `node --expose-gc features.ts <url> <jobs> <parts>`. After each part
 * it tells, through IPC, how large its heap is without garbage. Every key is new: what is remembered of each would add up.
 */
import { chain, createClient, createWorker, defineBatchJob, defineJob, group, step } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';

export interface FeatureSetting {
  readonly url: string;
  readonly jobs: number;
  readonly parts: number;
}

export interface FeaturePart {
  readonly jobs: number;
  /** Bytes. */
  readonly heap: number;
}

const { url, jobs: count, parts } = JSON.parse(process.argv[2] ?? '') as FeatureSetting;
const queue = 'soak';
const first = ([key]: readonly unknown[]) => String(key);
const common = { queue, perform: ([key]: readonly unknown[]) => key } as const;
const Limited = defineJob({ ...common, class: 'Limited', limit: { running: 1, rate: '1000/1s', key: first } });
const Unique = defineJob({ ...common, class: 'Unique', unique: { by: first } });
const Alone = defineJob({ ...common, class: 'Alone', unique: { by: first, while: 'running' } });
const Tracked = defineJob({ ...common, class: 'Tracked', track: { result: '1s' } });
const Cancelled = defineJob({ ...common, class: 'Cancelled' });
const Pausable = defineJob({ ...common, class: 'Pausable' });
const Step = defineJob({ ...common, class: 'Step' });
const Flaky = defineJob({
  ...common,
  class: 'Flaky',
  retry: { attempts: 2, backoff: 0 },
  perform(_args, { job }) {
    if (job.attempt === 1) throw new Error('the first time');
  },
});
const Row = defineBatchJob({ class: 'Row', queue, batch: { size: 10, wait: '20ms', key: first }, performAll() {} });
const jobs = [Limited, Unique, Alone, Tracked, Cancelled, Pausable, Step, Flaky, Row];
const SINGLE = [Limited, Unique, Alone, Tracked, Cancelled, Pausable, Flaky, Row] as const;
/** Of each class. */
const AT_ONCE = 50;
/** Jobs of a flow. */
const STEPS = 4;

const client = createClient({ url, jobs, metadata: true });
const worker = createWorker({
  url,
  jobs,
  queues: queue,
  concurrency: 50,
  scheduler: true,
  logRuns: false,
  log: silentLogger,
});
const running = worker.run();
let enqueued = 0;

async function round(): Promise<void> {
  const key = (i: number) => `k${enqueued}-${i}`;
  await client.classes.pause('Pausable');
  for (const job of SINGLE) {
    await client.enqueueAll(Array.from({ length: AT_ONCE }, (_, i) => ({ job, args: [key(i >> 1)], queue })));
  }
  const cancelled = await client.enqueue(Cancelled, [key(0)], { in: '1s' });
  if (cancelled.id !== undefined) await client.jobs.cancel(cancelled.id, 'not wanted');
  for (let i = 0; i < AT_ONCE / STEPS; i++) {
    const node = chain(step(Step, ['a']), group([step(Step, ['b']), step(Step, ['c'])]));
    await client.flow(node, { id: key(i), onSuccess: step(Step, []), keep: '1s' }).enqueue();
  }
  await client.classes.resume('Pausable');
  enqueued += SINGLE.length * AT_ONCE + AT_ONCE;
  for (;;) {
    const { queued, parked, retries, running: held } = await client.stats.totals();
    if (queued + parked + retries + held === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

for (let part = 1; part <= parts; part++) {
  while (enqueued < (count / parts) * part) await round();
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  process.send?.({ jobs: enqueued, heap: process.memoryUsage().heapUsed } satisfies FeaturePart);
}
worker.stop();
await running;
await client.close();
process.disconnect?.();
