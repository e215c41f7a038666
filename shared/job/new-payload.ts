import { ArgumentsError } from '../errors.ts';
import type { TraceContext } from '../telemetry.ts';
import type { Control } from '../types.ts';
import { encodeArguments } from '../wire/active-job/encode-arguments.ts';
import { writeActiveJob } from '../wire/active-job/envelope.ts';
import { type CronMark, writePayload } from '../wire/payload.ts';
import { rubyCanShow } from '../wire/ruby/can-show.ts';
import type { Args, JobRef } from './enqueue.ts';
import { checkJsonArgs, checkWellFormed } from './json-args.ts';

export interface NewPayload {
  readonly class: string;
  readonly args: Args;
  readonly queue: string;
  /** When it is due; undefined for at once. */
  readonly at: Date | undefined;
  /** undefined leaves out `queue_time`, too; an ActiveJob needs one. */
  readonly id: string | undefined;
  /** Epoch ms. */
  readonly now: number;
  /** Attempts that an ActiveJob says it had. @default 0 */
  readonly executions?: number;
  /** Not in an ActiveJob. */
  readonly cron?: CronMark | undefined;
  readonly control?: Control | undefined;
  readonly trace?: TraceContext | undefined;
}

/**
 * The payload of a new job: as Resque has it, or for a class of ActiveJob as Rails has it. Arguments are checked and written
 * in one go: what was checked is what is written.
 * @throws ArgumentsError for arguments that would not arrive as they are
 */
export function newPayload(ref: Pick<JobRef, 'activeJob'> | undefined, job: NewPayload): string {
  const payload = write(ref, job);
  checkWellFormed(job.class, job.args, payload);
  // Others are checked as values; Rails' form of these has more levels.
  if (ref?.activeJob && !rubyCanShow(payload)) {
    throw new ArgumentsError(
      `The arguments of ${job.class} are nested too deeply: Ruby ends at them. Pass something flatter.`,
    );
  }
  return payload;
}

function write(ref: Pick<JobRef, 'activeJob'> | undefined, job: NewPayload): string {
  if (ref?.activeJob) {
    const { priority, locale = 'en', timeZone } = ref.activeJob;
    return writeActiveJob({
      jobClass: job.class,
      jobId: job.id ?? '',
      queue: job.queue,
      priority,
      locale,
      timeZone: timeZone ?? null,
      arguments: encodeArguments(job.class, job.args),
      executions: job.executions ?? 0,
      enqueuedAt: job.now,
      scheduledAt: job.at?.getTime(),
      control: job.control,
      trace: job.trace,
    });
  }
  checkJsonArgs(job.class, job.args);
  return writePayload({
    class: job.class,
    args: job.args,
    queue: job.at && job.queue,
    id: job.id,
    queueTime: job.id === undefined ? undefined : job.now,
    cron: job.cron,
    control: job.control,
    trace: job.trace,
  });
}
