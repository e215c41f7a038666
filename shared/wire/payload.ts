import { randomUUID } from 'node:crypto';
import type { Args } from '../job/enqueue.ts';
import { stringify } from '../json.ts';
import type { TraceContext } from '../telemetry.ts';
import type { Control, CronSlot } from '../types.ts';
import { controlFields } from './control.ts';

interface PayloadFields {
  readonly class: string;
  readonly args: Args;
  /** JSON of the arguments, where that is to stand there as it was written. */
  readonly argsJson?: string | undefined;
  /** Only in a delayed payload. */
  readonly queue: string | undefined;
  readonly id: string | undefined;
  /** Epoch milliseconds. */
  readonly queueTime: number | undefined;
  /** Only in a job that a cron entry enqueued. */
  readonly cron?: CronMark | undefined;
  readonly control?: Control | undefined;
  /** Only where the enqueue is traced. */
  readonly trace?: TraceContext | undefined;
}

/** What a payload says of the cron entry that enqueued it. */
export interface CronMark {
  readonly name: string;
  /** ISO 8601. */
  readonly slot: string;
}

/**
 * A payload with the keys in the order of Ruby Resque and resque-scheduler, then ours, then php-resque's: scripts find these at the end,
 * `control` behind them.
 */
export function writePayload(fields: PayloadFields): string {
  const { queueTime, argsJson } = fields;
  const payload = stringify({
    class: fields.class,
    args: argsJson === undefined ? fields.args : [],
    queue: fields.queue,
    cron: fields.cron,
    traceparent: fields.trace?.traceparent,
    tracestate: fields.trace?.tracestate,
    id: fields.id,
    queue_time: queueTime === undefined ? undefined : queueTime / 1000,
    control: fields.control && controlFields(fields.control),
  });
  if (argsJson === undefined) return payload;
  const at = `{"class":${JSON.stringify(fields.class)},"args":`.length;
  return payload.slice(0, at) + argsJson + payload.slice(at + '[]'.length);
}

/** An id for a new job. Not 32 hex digits: that is the form of ids which may have a php-resque status record. */
export function newId(): string {
  return randomUUID();
}

/** An id for a job that has a status record: of php-resque's form, so that its `Resque_Job_Status` finds the record. */
export function newTrackedId(): string {
  return randomUUID().replaceAll('-', '');
}

/** What the scheduler writes into the jobs of cron entries; anything else under that key is the producer's own. */
export function cronSlot(value: unknown): CronSlot | undefined {
  const { name, slot } = (typeof value === 'object' && value !== null ? value : {}) as Partial<CronMark>;
  if (typeof name !== 'string' || typeof slot !== 'string') return undefined;
  const time = Date.parse(slot);
  return Number.isNaN(time) ? undefined : { name, slot: time };
}
