import type { Logger } from '../log.ts';
import { errorInfo } from '../resque/failed-entry.ts';
import type { Job, Outcome } from '../types.ts';
import type { HeldTurn } from './lease.ts';

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

export function count(summary: Summary, kind: Outcome['kind']): void {
  summary[kind]++;
  if (kind !== 'released') summary.processed++;
}

/** What a turn found wrong: jobs that were taken away meanwhile, and queues that are none. */
export function logTrouble(log: Logger, address: string, turn: Pick<HeldTurn, 'missing' | 'unreadable'>): void {
  if (turn.missing > 0) {
    log.error('Some jobs were not held any more when they were to be settled; nothing was changed for them', {
      jobs: turn.missing,
    });
  }
  for (const { queue, error } of turn.unreadable) {
    log.error('A queue cannot be read and is passed over', {
      redis: address,
      queue,
      answer: error,
      remedy: 'A queue is a list. Find out what wrote its key, then RENAME or DEL it.',
    });
  }
}

/** One line for each run; arguments only if asked for. */
export function logRun(log: Logger, report: RunReport, args?: Job['args']): void {
  const { error, ...rest } = report;
  const fields: Record<string, unknown> = { ...rest, ms: Math.round(report.ms * 1000) / 1000 };
  if (error !== undefined) {
    const { exception, error: message } = errorInfo(error);
    fields['error'] = `${exception}: ${message}`;
  }
  if (args !== undefined) fields['args'] = args;
  const message = `job ${report.outcome}`;
  if (report.outcome === 'failed') log.error(message, fields);
  else if (report.outcome === 'retried') log.warn(message, fields);
  else log.info(message, fields);
}
