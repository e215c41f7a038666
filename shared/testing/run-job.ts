import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { CronOrigin } from '../job/context.ts';
import type { AnyJobDefinition, JobDefinition } from '../job/define.ts';
import type { Args, JobRef } from '../job/enqueue.ts';
import type { Middleware } from '../job/middleware.ts';
import { type NewPayload, newPayload } from '../job/new-payload.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { spliceText } from '../wire/attempts-record.ts';
import { newId } from '../wire/payload.ts';
import { Chain, EnqueueRecorder } from './enqueue-recorder.ts';
import { inlineLimit } from './inline-limit.ts';
import type { EnqueuedJob, JobRun } from './job-run.ts';
import { nowhere } from './memory-store.ts';
import { reserved, TestWorker } from './test-worker.ts';

type JobPlace = Pick<NewPayload, 'class' | 'args' | 'queue'>;

/** What the attempt is like; everything may be left out. */
export interface RunJobOptions {
  /** The job's class, for a definition whose class is a prefix, such as `'email:*'`. @default the definition's */
  readonly class?: string;
  /** The queue it comes from. @default the definition's, else 'default' */
  readonly queue?: string;
  /** The job's id. @default a new one */
  readonly id?: string;
  /** Number of the attempt, from 1. @default 1 */
  readonly attempt?: number;
  /** How many workers died while they held the job. @default 0 */
  readonly deaths?: number;
  /** The cron entry that enqueued it. @default none */
  readonly cron?: CronOrigin;
  /** Around the handler, outside of the definition's own, outermost first. @default none */
  readonly middleware?: readonly Middleware[];
  /** Other definitions: they check what `ctx.enqueue` gets for a class by name, and with `inline` they run. @default none */
  readonly jobs?: readonly AnyJobDefinition[];
  /**
   * Run at once, depth first, what the handler enqueues, delayed jobs too; see `enqueued[i].run`. What they throw stays
   * there: it is no error of the job that enqueued them. @default false
   */
  readonly inline?: boolean;
  /** Most jobs that are run inline, against those that enqueue each other without an end. @default 1000 */
  readonly limit?: number;
  /**
   * Aborts the attempt, as a worker that shuts down does; with a `DeadlineError`, `LeaseLostError` or `JobTimeoutError` as
   * its reason, as that does.
   */
  readonly signal?: AbortSignal;
  /** What the timeout and `ctx.timeLeft()` go by; a `ManualClock` is moved by hand. @default the real time */
  readonly clock?: Clock;
}

/**
 * Runs one attempt of a job as a worker would, without Redis: its arguments go through JSON, then through the schema; around
 * `perform` are the middleware and the timeout; what it throws is judged by the retry policy. Resolves to what came of it,
 * whatever the handler throws.
 * @throws ArgumentsError for arguments that JSON would change, as `enqueue` does; ConfigError for an option that cannot be
 *   used, and for jobs that enqueue each other without an end
 * @example
 * const run = await runJob(Welcome, ['Zoë'], { attempt: 2 });
 * assert.equal(run.outcome, 'retried'); // or succeeded, failed, discarded, released
 * assert.equal(run.delay, 60_000); // ms
 * assert.deepEqual(run.enqueued[0]?.args, ['Zoë']);
 */
export async function runJob<In extends Args, Out extends Args>(
  definition: JobDefinition<In, Out>,
  args: NoInfer<In>,
  options: RunJobOptions = {},
): Promise<JobRun> {
  checkOptions('runJob', options, OPTIONS);
  const { jobs = [], middleware = [], clock = systemClock, inline = false, signal } = options;
  const limit = inlineLimit(options.limit);
  const name = classOf(definition, options.class);
  const queue = options.queue ?? definition.queue ?? 'default';
  const payload = payloadOf(definition, { class: name, args, queue }, options, clock);
  const worker = new TestWorker({ clock, middleware });
  const others = jobs.filter((one) => one.class !== definition.class || !one.activeJob !== !definition.activeJob);
  const registry = worker.registry([definition as unknown as AnyJobDefinition, ...others]);
  const recorder = new EnqueueRecorder({
    worker,
    registry,
    clock,
    store: nowhere(clock),
    inline,
    rethrow: false,
    limit,
  });
  const chain = new Chain();
  const enqueued: EnqueuedJob[] = [];
  const { enqueue } = recorder.enqueuer(enqueued, chain);
  const run = await worker.run(reserved(queue, payload), { registry, enqueue, enqueued, signal });
  if (chain.problem) throw chain.problem;
  return run;
}

const OPTIONS = {
  class: true,
  queue: true,
  id: true,
  attempt: true,
  deaths: true,
  cron: true,
  middleware: true,
  jobs: true,
  inline: true,
  limit: true,
  signal: true,
  clock: true,
} satisfies OptionsOf<RunJobOptions>;

function classOf(definition: Pick<AnyJobDefinition, 'class'>, given: string | undefined): string {
  const { class: own } = definition;
  const fits = own.endsWith('*') ? given?.startsWith(own.slice(0, -1)) : given === undefined || given === own;
  if (fits) return given ?? own;
  throw new ConfigError(
    own.endsWith('*')
      ? `runJob: ${JSON.stringify(own)} stands for many classes; give options.class, such as ${JSON.stringify(own.replace(/\*$/, 'name'))}; got ${given}.`
      : `runJob: the definition is of the class ${own}, not of ${given}. Leave options.class out.`,
  );
}

function payloadOf(ref: Pick<JobRef, 'activeJob'>, job: JobPlace, options: RunJobOptions, clock: Clock): string {
  if (!Array.isArray(job.args)) {
    throw new ConfigError(
      `runJob ${job.class}: args must be an array, one element for each argument; got ${typeof job.args}.`,
    );
  }
  const attempt = whole(options.attempt, 1, 'attempt');
  const deaths = whole(options.deaths, 0, 'deaths');
  const { id = newId(), cron } = options;
  const payload = newPayload(ref, {
    ...job,
    at: undefined,
    id,
    now: Math.floor(clock.now()),
    executions: attempt - 1,
    cron: cron && { name: cron.name, slot: cron.slot.toISOString() },
  });
  if (attempt === 1 && deaths === 0) return payload;
  return `{${spliceText({ id: 'test-1', attempts: attempt - 1, deaths })}${payload.slice(1)}`;
}

function whole(given: number | undefined, least: number, option: string): number {
  const value = given ?? least;
  if (Number.isInteger(value) && value >= least && value < 1e9) return value;
  throw new ConfigError(`runJob: ${option} must be a whole number, ${least} or more; got ${value}.`);
}
