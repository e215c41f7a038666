import type { WrongKey } from '../broker/broker.ts';
import type { Clock } from '../clock.ts';
import type { WorkerOptions } from '../config.ts';
import type { Logger } from '../log.ts';
import { traceIdOf } from '../telemetry.ts';
import type { Job, Outcome, RawJob } from '../types.ts';
import type { Undecodable } from '../wire/decode.ts';
import { errorFields, errorInfo } from '../wire/failed-entry.ts';
import type { WhyIdle } from './queue-poller.ts';
import type { WhyShutdown } from './shutdown.ts';

/** One run, as it is logged and counted. */
export interface RunReport {
  /** Class, id and attempt are absent where the payload could not be read. */
  readonly class?: string;
  /** The queue that it was reserved from. */
  readonly queue: string;
  /** The job's id. */
  readonly id?: string;
  /** Number of the attempt, from 1. */
  readonly attempt?: number;
  /** Attempts in all, of a job whose handler was to run. */
  readonly attempts?: number;
  /** How it ended. */
  readonly outcome: Outcome['kind'];
  /** How long the handler ran, in milliseconds with at most three decimals; 0 if it did not. */
  readonly ms: number;
  /** What was thrown. */
  readonly error?: unknown;
  /** Of a retried one: milliseconds until its next attempt. */
  readonly retryIn?: number;
  /** Milliseconds from enqueuing to the start of the run, likewise, if the payload says when it was enqueued. */
  readonly waitMs?: number;
  /** Of the trace in which it was enqueued, if the payload says so. */
  readonly traceId?: string | undefined;
}

/** What a worker has done. */
export interface Summary {
  /** Jobs that ended: succeeded, retried, failed or discarded. */
  processed: number;
  /** Jobs whose handlers returned. */
  succeeded: number;
  /** Attempts that failed and are to be tried again. */
  retried: number;
  /** Jobs that went to the failed list. */
  failed: number;
  /** Jobs that their handlers have dropped. */
  discarded: number;
  /** Jobs given back to their queues. */
  released: number;
  /** Jobs whose lease was lost before they could be settled. */
  lost: number;
  /** Why the worker ended. */
  stopped: Stopped | undefined;
}

/**
 * Why a worker ended: no job was found, it was told to stop, its time was nearly over, an error escaped from some handler, or
 * as many workers of its consumer ran already as may.
 */
export type Stopped = WhyIdle | WhyShutdown;

export function emptySummary(): Summary {
  return { processed: 0, succeeded: 0, retried: 0, failed: 0, discarded: 0, released: 0, lost: 0, stopped: undefined };
}

/** What is beyond comes of how computers count, and of no clock. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

interface HasRaw {
  readonly raw: RawJob;
}

/** A run of which Redis does not have the outcome yet. @property args only if they are asked for */
interface UntoldRun {
  readonly report: RunReport;
  readonly args: Job['args'] | undefined;
}

/** One line for each run, when Redis has its outcome; or when it is known that it will not have it. */
function logRun(log: Logger, { report, args }: UntoldRun, settled: boolean): void {
  const { error, ...rest } = report;
  const fields: Record<string, unknown> = {
    ...rest,
    ...(error === undefined ? {} : errorFields(error)),
  };
  if (args !== undefined) fields['args'] = args;
  if (!settled) fields['settled'] = false;
  const message = settled ? `job ${report.outcome}` : `job ${report.outcome}, but Redis does not know it`;
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

/** Between two lines about the same key. */
const REMIND_MS = 600_000;

/** Counts, logs and tells others what a worker does. Whatever a logger or listener throws stays here. */
export class Reporter {
  readonly #deps: ReporterDeps;
  readonly #summary: Summary;
  /** Runs of which Redis has not the outcome yet, by job, in order. */
  readonly #unsettled = new Map<RawJob, UntoldRun>();
  /** By key: when it may be complained of again. */
  readonly #remindAt = new Map<string, number>();

  constructor(deps: ReporterDeps, summary: Summary) {
    this.#deps = deps;
    this.#summary = summary;
  }

  /** @param attempts in all, where a handler was to run */
  ended(job: Job, outcome: Outcome, ms: number, attempts?: number): void {
    const { options, onRun, log, clock } = this.#deps;
    this.#summary[outcome.kind]++;
    if (outcome.kind !== 'released') this.#summary.processed++;
    if (outcome.kind === 'retried' && outcome.warning) log.warn(outcome.warning, { class: job.class });
    // For many small jobs, making the report would be a good part of the work.
    if (!options.logRuns && !onRun) return;
    this.#tell(
      job.raw,
      {
        class: job.class,
        queue: job.raw.queue,
        id: job.id,
        attempt: job.attempt,
        ...(attempts === undefined ? {} : { attempts }),
        outcome: outcome.kind,
        ms: toMicroseconds(ms),
        ...('error' in outcome ? { error: outcome.error } : {}),
        ...(outcome.kind === 'retried' ? { retryIn: outcome.delay } : {}),
        ...(job.queueTime === undefined
          ? {}
          : { waitMs: toMicroseconds(Math.max(0, clock.now() - ms - job.queueTime)) }),
        ...(job.trace ? { traceId: traceIdOf(job.trace) } : {}),
      },
      job.args,
    );
  }

  undecodable(one: Undecodable): void {
    this.#summary.failed++;
    this.#summary.processed++;
    this.#tell(one.raw, { queue: one.raw.queue, outcome: 'failed', ms: 0, error: one.error });
  }

  /** Redis has these outcomes: now the lines of their runs are written. @param refused those of which it does not */
  settled(settlements: readonly HasRaw[], refused: readonly HasRaw[] = []): void {
    if (this.#unsettled.size === 0) return;
    const not = new Set(refused.map(({ raw }) => raw));
    for (const { raw } of settlements) {
      const one = this.#unsettled.get(raw);
      if (!one || not.has(raw)) continue;
      this.#unsettled.delete(raw);
      this.#guard(() => logRun(this.#deps.log, one, true));
    }
  }

  /** The lease is lost, or the worker has ended: what Redis has not by now is told as that. */
  lost(): void {
    const all = [...this.#unsettled.values()];
    this.#unsettled.clear();
    for (const one of all) this.#guard(() => logRun(this.#deps.log, one, false));
  }

  /** Jobs that waited and went back to their queues. */
  released(jobs: number): void {
    this.#summary.released += jobs;
  }

  /** Jobs that were taken away meanwhile. */
  missing(jobs: number): void {
    if (jobs === 0) return;
    this.#summary.lost += jobs;
    const message = 'Some jobs were not held any more when they were to be settled; nothing was changed for them';
    this.#deps.log.error(message, { jobs });
  }

  /** Keys that are not what they should be: each is told once, and again after a while. */
  wrong(keys: readonly WrongKey[]): void {
    const { log, store, clock } = this.#deps;
    const now = clock.now();
    for (const { key, error } of keys) {
      if (now < (this.#remindAt.get(key) ?? -Infinity)) continue;
      this.#remindAt.set(key, now + REMIND_MS);
      log.error('A key cannot be used and is passed over', {
        redis: store.address,
        key,
        answer: error,
        remedy:
          'It holds something else than Resque keeps there, or this user may not use it. Look at it with TYPE and find ' +
          'out what wrote it; then RENAME or DEL it.',
      });
    }
  }

  #tell(raw: RawJob, report: RunReport, args?: Job['args']): void {
    const { options, onRun } = this.#deps;
    if (options.logRuns) this.#unsettled.set(raw, { report, args: options.logArgs ? args : undefined });
    if (onRun) this.#guard(() => onRun(report));
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#deps.log.error('The report of a run could not be delivered; the job is not affected', {
        error: errorInfo(error).error,
      });
    }
  }
}
