import type { TraceContext } from '../../telemetry.ts';
import type { ActiveJobInfo, Control, Edit } from '../../types.ts';
import { controlFields } from '../control.ts';
import { membersOf, type Span } from '../json-members.ts';
import { json, nineDecimals } from './encode-arguments.ts';

/** The class that stands in the payloads of every ActiveJob: Rails' adapter for Resque. */
export const WRAPPER = 'ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper';

/** The job inside Rails' wrapper; undefined where a payload's arguments are none. @param args of a payload whose class is WRAPPER */
export function activeJobOf(args: readonly unknown[]): ActiveJobInfo | undefined {
  const [data] = args;
  if (args.length !== 1 || typeof data !== 'object' || data === null || Array.isArray(data)) return undefined;
  const fields = data as Readonly<Record<string, unknown>>;
  const { job_class: jobClass, job_id: jobId, executions, exception_executions: exceptions } = fields;
  if (typeof jobClass !== 'string' || jobClass === '') return undefined;
  return {
    jobClass,
    jobId: textOr(jobId) ?? '',
    executions: typeof executions === 'number' && executions >= 0 ? Math.floor(executions) : 0,
    exceptionExecutions:
      typeof exceptions === 'object' && exceptions !== null ? (exceptions as Readonly<Record<string, unknown>>) : {},
    queueName: textOr(fields['queue_name']),
    priority: typeof fields['priority'] === 'number' ? fields['priority'] : undefined,
    locale: textOr(fields['locale']),
    timeZone: textOr(fields['timezone']),
    enqueuedAt: textOr(fields['enqueued_at']),
    scheduledAt: textOr(fields['scheduled_at']),
    data: fields,
  };
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

interface NewActiveJob {
  readonly jobClass: string;
  readonly jobId: string;
  readonly queue: string;
  readonly priority: number | undefined;
  readonly locale: string;
  /** IANA name, or null for none. */
  readonly timeZone: string | null;
  /** JSON of the argument list: see `encodeArguments`. */
  readonly arguments: string;
  /** Attempts so far. @default 0 */
  readonly executions?: number;
  /** Epoch ms. */
  readonly enqueuedAt: number;
  /** Epoch ms; undefined for at once. */
  readonly scheduledAt: number | undefined;
  readonly trace?: TraceContext | undefined;
  readonly control?: Control | undefined;
}

/**
 * A payload as Rails writes it, key by key. In a delayed list it names its queue behind that; and of a unique or tracked job its
 * id, where programs for Resque look for it.
 */
export function writeActiveJob(job: NewActiveJob): string {
  const time = (ms: number) => json(nineDecimals(new Date(ms)));
  const fields = [
    ['job_class', json(job.jobClass)],
    ['job_id', json(job.jobId)],
    ['provider_job_id', 'null'],
    ['queue_name', json(job.queue)],
    ['priority', job.priority === undefined ? 'null' : String(job.priority)],
    ['arguments', job.arguments],
    ['executions', String(job.executions ?? 0)],
    ['exception_executions', '{}'],
    ['locale', json(job.locale)],
    ['timezone', job.timeZone === null ? 'null' : json(job.timeZone)],
    ['enqueued_at', time(job.enqueuedAt)],
    ['scheduled_at', job.scheduledAt === undefined ? 'null' : time(job.scheduledAt)],
  ];
  const data = fields.map(([key, value]) => `"${key}":${value}`).join(',');
  const delayed = job.scheduledAt === undefined ? '' : `,"queue":${json(job.queue)}`;
  const named = job.control?.keep !== undefined || job.control?.lock;
  const tracked = named ? `,"id":${json(job.jobId)}` : '';
  const fieldsOfControl = job.control && controlFields(job.control);
  const control = fieldsOfControl ? `,"control":${JSON.stringify(fieldsOfControl)}` : '';
  const state = job.trace?.tracestate === undefined ? '' : `,"tracestate":${json(job.trace.tracestate)}`;
  const trace = job.trace ? `,"traceparent":${json(job.trace.traceparent)}${state}` : '';
  return `{"class":"${WRAPPER}","args":[{${data}}]${delayed}${trace}${tracked}${control}}`;
}

/**
 * Where a payload says how often its job was executed, and what stands there after one more; undefined where it does not
 * say. A Ruby worker that takes the next attempt then counts on from there.
 * @param exceptions under which Rails counts the error, if it does, such as `[Timeout::Error]`
 */
export function raisedExecutions(payload: string, exceptions?: string): Edit | undefined {
  const list = membersOf(payload).get('args');
  // The wrapper has one argument, an object.
  const open = list && /^\[\s*(?=\{)/.exec(payload.slice(list.start, list.end));
  if (!open) return undefined;
  const start = list.start + open[0].length;
  const data = payload.slice(start, list.end);
  const members = membersOf(data);
  const executions = raised(data, members.get('executions'), raisedNumber);
  const counts = members.get('exception_executions');
  const counted = exceptions === undefined ? undefined : raised(data, counts, (text) => raisedCount(text, exceptions));
  const [first, second] = [executions, counted].filter((one) => one !== undefined).sort((a, b) => a.at - b.at);
  if (!first) return undefined;
  const end = second ? second.at + second.length : first.at + first.length;
  const text = second ? first.text + data.slice(first.at + first.length, second.at) + second.text : first.text;
  return { at: start + first.at, length: end - first.at, text };
}

function raised(json: string, span: Span | undefined, raise: (text: string) => string | undefined): Edit | undefined {
  const text = span && raise(json.slice(span.start, span.end));
  return span && text !== undefined ? { at: span.start, length: span.end - span.start, text } : undefined;
}

function raisedNumber(text: string): string | undefined {
  return /^\d{1,9}$/.test(text) ? String(Number(text) + 1) : undefined;
}

/** @param counts JSON of an object of counts; Rails has null of jobs that are older than these */
function raisedCount(counts: string, exceptions: string): string | undefined {
  if (!counts.startsWith('{')) return undefined;
  const span = membersOf(counts).get(exceptions);
  if (!span) return `{${json(exceptions)}:1${/^\{\s*\}$/.test(counts) ? '}' : `,${counts.slice(1)}`}`;
  const count = raisedNumber(counts.slice(span.start, span.end));
  return count === undefined ? undefined : counts.slice(0, span.start) + count + counts.slice(span.end);
}
