import type { Clock } from '../clock.ts';
import type { WorkerOptions } from '../config.ts';
import type { Logger } from '../log.ts';
import type { Job, Outcome } from '../types.ts';
import type { Undecodable } from '../wire/decode.ts';
import { errorFields, errorInfo } from '../wire/failed-entry.ts';
import type { SyncReply } from './lease.ts';

/** One run, as it is logged and counted. */
export interface RunReport {
  /** Class, id and attempt are absent where the payload could not be read. */
  readonly class?: string;
  readonly queue: string;
  readonly id?: string;
  readonly attempt?: number;
  readonly outcome: Outcome['kind'];
  /** How long the handler ran; 0 if it did not. */
  readonly ms: number;
  readonly error?: unknown;
  /** Of a retried one: milliseconds until its next attempt. */
  readonly retryIn?: number;
  /** Milliseconds from enqueuing to the start of the run, if the payload says when it was enqueued. */
  readonly wait?: number;
}

/** What a consumer has done. */
export interface Summary {
  /** Jobs that ended: succeeded, retried, failed or discarded. */
  processed: number;
  succeeded: number;
  /** Attempts that failed and are to be tried again. */
  retried: number;
  failed: number;
  discarded: number;
  /** Jobs given back to their queues. */
  released: number;
  /** Jobs whose lease was lost before they could be settled. */
  lost: number;
  /** Why the consumer ended. */
  stopped: Stopped | undefined;
}

export type Stopped = 'empty' | 'paused' | 'shutdown' | 'deadline';

export function emptySummary(): Summary {
  return { processed: 0, succeeded: 0, retried: 0, failed: 0, discarded: 0, released: 0, lost: 0, stopped: undefined };
}

/** One line for each run; arguments only if asked for. */
function logRun(log: Logger, report: RunReport, args?: Job['args']): void {
  const { error, ...rest } = report;
  const fields: Record<string, unknown> = {
    ...rest,
    ms: Math.round(report.ms * 1000) / 1000,
    ...(error === undefined ? {} : errorFields(error)),
  };
  if (args !== undefined) fields['args'] = args;
  const message = `job ${report.outcome}`;
  if (report.outcome === 'failed') log.error(message, fields);
  else if (report.outcome === 'retried') log.warn(message, fields);
  else log.info(message, fields);
}

export interface ReporterDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly options: Pick<WorkerOptions, 'logRuns' | 'logArgs'>;
  readonly store: { readonly address: string };
  readonly onRun?: (report: RunReport) => void;
}

/** Between two lines about the same queue. */
const REMIND_MS = 30_000;

/** Counts, logs and tells others what a consumer does. Whatever a logger or listener throws stays here. */
export class Reporter {
  readonly #setting: ReporterDeps;
  readonly #summary: Summary;
  /** By queue: when it may be complained of again. */
  readonly #remindAt = new Map<string, number>();

  constructor(setting: ReporterDeps, summary: Summary) {
    this.#setting = setting;
    this.#summary = summary;
  }

  ended(job: Job, outcome: Outcome, ms: number): void {
    const { options, onRun, log, clock } = this.#setting;
    this.#summary[outcome.kind]++;
    if (outcome.kind !== 'released') this.#summary.processed++;
    if (outcome.kind === 'retried' && outcome.warning) log.warn(outcome.warning, { class: job.class });
    // For many small jobs, making the report would be a good part of the work.
    if (!options.logRuns && !onRun) return;
    this.#tell(
      {
        class: job.class,
        queue: job.raw.queue,
        id: job.id,
        attempt: job.attempt,
        outcome: outcome.kind,
        ms,
        ...('error' in outcome ? { error: outcome.error } : {}),
        ...(outcome.kind === 'retried' ? { retryIn: outcome.delay } : {}),
        ...(job.queueTime === undefined ? {} : { wait: Math.max(0, clock.now() - ms - job.queueTime) }),
      },
      job.args,
    );
  }

  undecodable(one: Undecodable): void {
    this.#summary.failed++;
    this.#summary.processed++;
    this.#tell({ queue: one.raw.queue, outcome: 'failed', ms: 0, error: one.error });
  }

  /** What a turn found wrong: jobs that were taken away meanwhile, and queues that are none. */
  trouble({ missing, unreadable }: Pick<SyncReply, 'missing' | 'unreadable'>): void {
    const { log, store, clock } = this.#setting;
    if (missing > 0) {
      this.#summary.lost += missing;
      log.error('Some jobs were not held any more when they were to be settled; nothing was changed for them', {
        jobs: missing,
      });
    }
    const now = clock.now();
    for (const { queue, error } of unreadable) {
      if (now < (this.#remindAt.get(queue) ?? 0)) continue;
      this.#remindAt.set(queue, now + REMIND_MS);
      log.error('A queue cannot be used and is passed over', {
        redis: store.address,
        queue,
        answer: error,
        remedy:
          'A queue is a list that this user may read and trim. Find out what wrote its key, then RENAME or DEL it.',
      });
    }
  }

  #tell(report: RunReport, args?: Job['args']): void {
    const { options, log, onRun } = this.#setting;
    try {
      if (options.logRuns) logRun(log, report, options.logArgs ? args : undefined);
      onRun?.(report);
    } catch (error) {
      log.error('The report of a run could not be delivered; the job is not affected', {
        error: errorInfo(error).error,
      });
    }
  }
}
