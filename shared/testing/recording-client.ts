import type { Client } from '../client/client.ts';
import { flowMaker } from '../client/flow.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { createClasses } from '../inspect/classes.ts';
import { createCronClient } from '../inspect/cron.ts';
import { createFailed } from '../inspect/failed-client.ts';
import { createFlows } from '../inspect/flows.ts';
import { createJobs } from '../inspect/jobs-client.ts';
import { createLimits } from '../inspect/limits.ts';
import { createLocks } from '../inspect/locks.ts';
import { createQueues } from '../inspect/queues.ts';
import { createScheduled } from '../inspect/scheduled.ts';
import { createStats } from '../inspect/stats.ts';
import { createWorkers } from '../inspect/workers.ts';
import type { AnyJobDefinition } from '../job/define.ts';
import type { Args, Target } from '../job/enqueue.ts';
import type { Middleware } from '../job/middleware.ts';
import type { CronEntry } from '../scheduler/cron/entry.ts';
import { EnqueueRecorder, type EnqueueStore } from './enqueue-recorder.ts';
import { type ExpectedEnqueue, expectEnqueued, expectNothingEnqueued, isOf } from './expectations.ts';
import { inlineLimit } from './inline-limit.ts';
import type { EnqueuedJob } from './job-run.ts';
import { MemoryControl, noLimits } from './memory-control.ts';
import { MemoryFlows } from './memory-flows.ts';
import { memoryJobs } from './memory-jobs.ts';
import { MemoryLocks } from './memory-locks.ts';
import { MemoryQueues } from './memory-queues.ts';
import { MemoryCron, MemoryDelayed } from './memory-store.ts';
import { TestWorker } from './test-worker.ts';

/** What a recording client knows, and whether it runs jobs. */
export interface RecordingClientOptions {
  /** What `defineJob` returns: for classes that are enqueued by name, and with `inline` to run them. @default none */
  readonly jobs?: readonly AnyJobDefinition[];
  /**
   * Run each job at once, as `Resque.inline` does, delayed ones too, and what they enqueue: `enqueue` resolves when all of
   * that has run, and rejects with what a job threw; nothing is tried again. A job runs by its class: a definition in
   * `jobs` stands for the one it was enqueued with. @default false
   */
  readonly inline?: boolean;
  /** Around every handler that runs inline, outermost first. @default none */
  readonly middleware?: readonly Middleware[];
  /** Most jobs that one call runs inline, against those that enqueue each other without an end. @default 1000 */
  readonly limit?: number;
  /** The static cron entries that `client.cron` shows and runs. @default none */
  readonly cronEntries?: Readonly<Record<string, CronEntry>>;
  /** What `in` and timeouts go by; a `ManualClock` is moved by hand. @default the real time */
  readonly clock?: Clock;
}

/** A client that keeps what it is told, for tests to look at. */
export interface RecordingClient extends Client {
  /** Everything that was enqueued, in order; inline also by the jobs themselves. */
  readonly enqueued: readonly EnqueuedJob[];
  /** The same of one class, or of one prefix such as `'email:*'`. */
  enqueuedOf(job: Target<never> | AnyJobDefinition): EnqueuedJob[];
  /**
   * Something like this was enqueued, at least once.
   * @param args all of the arguments as they arrive, or a function that says whether they fit; any if absent
   * @returns the first that fits
   * @throws AssertionError (of node:assert) that lists what was enqueued
   * @example client.expectEnqueued(Welcome, ['Zoë'], { queue: 'mailers', in: '30s' });
   */
  expectEnqueued<In extends Args>(
    job: Target<In>,
    args?: NoInfer<In> | ((args: Args) => boolean),
    expected?: ExpectedEnqueue,
  ): EnqueuedJob;
  /**
   * Nothing was enqueued, or nothing of this class.
   * @throws AssertionError (of node:assert) that lists what was
   * @example client.expectNothingEnqueued();
   */
  expectNothingEnqueued(job?: Target<never> | AnyJobDefinition): void;
  /** Forgets all that was enqueued, what waits, and the cron entries that were written. */
  clear(): void;
}

/**
 * A client without Redis. It checks arguments, schemas and queues as the real one does, and records instead of writing:
 * give it to the code under test in place of what `createClient` returns. Its `scheduled` and its `jobs` have the delayed jobs,
 * its `cron` the entries that were written, its `queues` what would wait for workers, of which there are none, its `flows` the
 * flows that were started, of which no step runs; its `failed` is empty.
 * @throws ConfigError for a list of jobs that cannot be used
 * @example
 * const client = recordingClient();
 * await signUp(client, 'Zoë'); // calls client.enqueue(Welcome, ['Zoë'], { in: '30s' })
 * client.expectEnqueued(Welcome, ['Zoë'], { in: '30s' });
 * @example
 * const client = recordingClient({ inline: true, jobs: [Welcome] });
 * await signUp(client, 'Zoë'); // and Welcome has run
 */
export function recordingClient(options: RecordingClientOptions = {}): RecordingClient {
  const { jobs = [], inline = false, middleware = [], cronEntries, clock = systemClock } = options;
  const limit = inlineLimit(options.limit);
  const flows = new MemoryFlows(clock);
  const worker = new TestWorker({ clock, middleware, flows });
  const registry = worker.registry(jobs);
  const enqueued: EnqueuedJob[] = [];
  const delayed = new MemoryDelayed();
  const cron = new MemoryCron(clock);
  const control = new MemoryControl();
  const waiting = new MemoryQueues({ now: () => clock.now(), delayedCount: () => delayed.delayedCount() });
  let closed = false;
  const write = () => {
    if (closed) throw new ConfigError('The recording client is closed. Make a new one.');
  };
  const locks = new MemoryLocks({
    now: () => clock.now(),
    inline,
    put(job) {
      if (inline) return;
      if (job.seconds === undefined) waiting.push([job]);
      else delayed.add(job.seconds, job.payload);
    },
    take: (job) => (job.seconds === undefined ? waiting.take(job) : delayed.remove(job.seconds, job.payload)),
  });
  const store: EnqueueStore = {
    enqueue: async (items) => {
      write();
      if (!inline) waiting.push(items);
    },
    enqueueDelayed: async (items) => {
      write();
      // Inline, nothing waits.
      if (!inline) for (const { seconds, payload } of items) delayed.add(seconds, payload);
    },
    enqueueControlled: async (items) => {
      write();
      return locks.enqueue(items);
    },
    time: async () => clock.now(),
  };
  const onEnqueued = (job: EnqueuedJob) => enqueued.push(job);
  const recorder = new EnqueueRecorder({ worker, registry, clock, store, inline, rethrow: true, limit, onEnqueued });
  const found = memoryJobs(delayed, clock, enqueued);
  const scheduled = createScheduled(delayed, registry);
  const failed = createFailed(found, registry);
  const close = async () => {
    closed = true;
  };
  return {
    ...recorder.rootEnqueuer(),
    cron: createCronClient({
      store: cron,
      jobs: { enqueue: (items) => recorder.enqueuePayloads(items) },
      registry,
      ...(cronEntries ? { entries: cronEntries } : {}),
    }),
    scheduled,
    jobs: createJobs({
      jobs: found,
      lists: found,
      scheduled: delayed,
      waiting: scheduled,
      failed,
      registry,
      control,
      clock,
    }),
    failed,
    flow: flowMaker({ store: flows, registry, now: async () => clock.now() }),
    flows: createFlows(flows),
    classes: createClasses(control),
    limits: createLimits({ limits: noLimits, control, jobs: found, lists: found, registry }),
    locks: createLocks({ locks: locks.broker, registry, time: async () => clock.now() }),
    queues: createQueues({ ...waiting, control }),
    workers: createWorkers(waiting.workers),
    stats: createStats({
      queues: waiting.queues,
      stats: waiting.stats,
      hashes: waiting.hashes,
      workers: waiting.workers,
      limits: noLimits,
      time: async () => clock.now(),
    }),
    close,
    [Symbol.asyncDispose]: close,
    enqueued,
    enqueuedOf: (job) => enqueued.filter((one) => isOf(job as Target, one)),
    expectEnqueued: (job, args, expected) => expectEnqueued(enqueued, job as Target, args, expected)[0] as EnqueuedJob,
    expectNothingEnqueued: (job) => expectNothingEnqueued(enqueued, job as Target | undefined),
    clear() {
      enqueued.length = 0;
      delayed.clear();
      locks.clear();
      waiting.clear();
      cron.clear();
      control.clear();
      flows.clear();
    },
  };
}
