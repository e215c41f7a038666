import { lambdaSecond, listPrices, pushes } from './prices.ts';

/** What a month costs, before anything is deployed: an estimate, of what functions of ours were measured to do. */

interface BilledConsumer {
  readonly name: string;
  /** MB. */
  readonly memory: number;
  readonly concurrency: number;
  readonly maxWorkers: number;
  /** Lambda holds maxWorkers: then it has no alarm for throttles. */
  readonly reserved: boolean;
}

/** As `infra/app.ts` has it. */
export interface BilledSystem {
  readonly consumers: readonly BilledConsumer[];
  /** MB of the scheduler. */
  readonly schedulerMemory: number;
  /** Does the scheduler tick each minute? */
  readonly ticks: boolean;
  /** Queues that are named. */
  readonly queues: number;
  readonly alarms: boolean;
  /** CloudWatch's. */
  readonly metricsDashboard: boolean;
  readonly secrets: number;
  /** Redis is Upstash's, which bills commands. */
  readonly upstash: boolean;
}

/** Jobs of one class. */
export interface Workload {
  /** Of a consumer of the system. */
  readonly consumer: string;
  readonly queue: string;
  readonly jobsPerDay: number;
  /** How long a handler runs. */
  readonly ms: number;
}

/** USD a month. */
export interface Bill {
  readonly lambda: number;
  readonly eventBridge: number;
  readonly logs: number;
  readonly metrics: number;
  readonly alarms: number;
  readonly dashboard: number;
  readonly secrets: number;
  /** All of the above. */
  readonly aws: number;
  /** Upstash's: the scheduler's and the consumers' commands. */
  readonly commands: number;
  /** Upstash's: what the apps push, whoever consumes. */
  readonly pushes: number;
  readonly all: number;
  /** Consumers that cannot keep up: they would need so many workers. */
  readonly short: readonly { readonly consumer: BilledConsumer; readonly workers: number }[];
}

/** A month, as AWS has it: 730 hours. */
export const MINUTES = 43_800;
export const DAYS = MINUTES / 1_440;
const TICK_SECONDS = 0.08;
const TICK_COMMANDS = 3;
/** What waits is to start within so many ms, as `targetLatency` has it. */
const TARGET_MS = 29_000;
/** Of an invocation of a consumer, beside what its handlers take. */
const RUN_SECONDS = 0.3;
const RUN_COMMANDS = 2.5;
/** A worker that is busy settles and reserves about so often, ms; what has ended meanwhile goes in one call. */
const SYNC_MS = 36;
/** Bytes of log lines. */
export const BYTES = { tick: 3_300, job: 390, run: 1_100 };
const GB = 1e9;
/** Metrics of the system, of a queue, and more of one that has jobs. */
const METRICS = { system: 5, queue: 2, busy: 5 };

export function billOf(system: BilledSystem, work: readonly Workload[]): Bill {
  const { consumers, ticks, upstash } = system;
  const minutes = ticks ? MINUTES : 0;
  const runs = consumers.map((consumer) =>
    runsOf(
      consumer,
      work.filter((one) => one.consumer === consumer.name),
    ),
  );
  const sum = (of: (run: Runs) => number) => runs.reduce((all, run) => all + of(run), 0);
  const jobs = sum((run) => run.jobs);
  const scheduler = minutes * (listPrices.requests / 1e6 + TICK_SECONDS * lambdaSecond(system.schedulerMemory));
  const busy = new Set(work.filter(({ jobsPerDay }) => jobsPerDay > 0).map(({ queue }) => queue)).size;
  const queues = Math.max(system.queues, busy);
  const functions = consumers.length + 1;
  const throttled = functions - consumers.filter(({ reserved }) => reserved).length;
  // And the scheduler’s silence, or its fallback; the failure queue. Without ticks nobody measures the oldest job.
  const alarmed = functions + throttled + 2 + (ticks ? queues : 0) + busy;
  const aws = {
    lambda:
      scheduler +
      sum((run) => (run.runs * listPrices.requests) / 1e6 + run.seconds * lambdaSecond(run.consumer.memory)),
    eventBridge: (minutes * listPrices.events) / 1e6,
    logs: ((minutes * BYTES.tick + jobs * BYTES.job + sum((run) => run.runs) * BYTES.run) / GB) * listPrices.logs,
    metrics:
      ticks || jobs > 0
        ? (METRICS.system + METRICS.queue * queues + consumers.length + METRICS.busy * busy) * listPrices.metric
        : 0,
    alarms: system.alarms ? alarmed * listPrices.alarm : 0,
    dashboard: system.metricsDashboard ? listPrices.dashboard : 0,
    secrets: system.secrets * listPrices.secret,
  };
  const total = Object.values(aws).reduce((all, one) => all + one, 0);
  const commands = upstash
    ? ((minutes * TICK_COMMANDS + sum((run) => run.commands)) * listPrices.commands) / 100_000
    : 0;
  const pushed = upstash ? pushes(jobs) : 0;
  return {
    ...aws,
    aws: total,
    commands,
    pushes: pushed,
    all: total + commands + pushed,
    short: runs.flatMap(({ consumer, workers }) => (workers > consumer.maxWorkers ? [{ consumer, workers }] : [])),
  };
}

/** What the functions of one consumer do in a month. */
interface Runs {
  readonly consumer: BilledConsumer;
  readonly jobs: number;
  /** Invocations. */
  readonly runs: number;
  readonly seconds: number;
  readonly commands: number;
  /** That it needs at once. */
  readonly workers: number;
}

function runsOf(consumer: BilledConsumer, work: readonly Workload[]): Runs {
  const { concurrency, maxWorkers } = consumer;
  const jobs = work.reduce((all, one) => all + one.jobsPerDay * DAYS, 0);
  const handlers = work.reduce((all, one) => all + (one.jobsPerDay * DAYS * one.ms) / 1_000, 0);
  const perMinute = jobs / MINUTES;
  const mean = jobs === 0 ? 0 : (handlers * 1_000) / jobs;
  // A tick starts as many workers as start what waits in time; fewer than one job a minute are a run each.
  const inTime = concurrency * (Math.floor(TARGET_MS / Math.max(1, mean)) + 1);
  const runs = MINUTES * Math.min(perMinute, maxWorkers, Math.max(1, Math.ceil(perMinute / inTime)));
  const jobsPerSync = Math.max(1, (concurrency * SYNC_MS) / Math.max(1, mean));
  const busy = handlers / concurrency;
  return {
    consumer,
    jobs,
    runs,
    seconds: busy + runs * RUN_SECONDS,
    commands: runs * RUN_COMMANDS + jobs / Math.min(jobsPerSync, Math.max(1, jobs / Math.max(1, runs))),
    workers: Math.ceil((busy / (MINUTES * 60)) * (1 - 1e-9)),
  };
}
