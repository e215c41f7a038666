import { parseWithBigInts } from '../../json.ts';
import type { ActiveJobInfo, Edit } from '../../types.ts';
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

export interface NewActiveJob {
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
}

/** A payload as Rails writes it, key by key. In a delayed list it names its queue behind that. */
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
  return `{"class":"${WRAPPER}","args":[{${data}}]${delayed}}`;
}

/**
 * Where a payload says how often its job was executed, and what stands there after one more; undefined where it does not
 * say. A Ruby worker that takes the next attempt then counts on from there.
 */
export function raisedExecutions(payload: string): Edit | undefined {
  const span = spanOf(payload, ['args', 0, 'executions']);
  const text = span && payload.slice(span.from, span.to);
  if (!span || text === undefined || !/^\d{1,9}$/.test(text)) return undefined;
  return { at: span.from, length: text.length, text: String(Number(text) + 1) };
}

const TOKEN = /\s*(?:("[^"\\]*(?:\\.[^"\\]*)*")|([[\]{}:,])|([^\s[\]{}:,"]+))/gy;

/**
 * Where the value at a path stands in a JSON text, which is known to be valid. Of a key that stands twice the last one
 * counts, as for JSON.parse.
 */
function spanOf(text: string, path: readonly (string | number)[]): { from: number; to: number } | undefined {
  TOKEN.lastIndex = 0;
  let found: { from: number; to: number } | undefined;
  /** Where we are: the key or index at each level, undefined before a key. */
  const here: (string | number | undefined)[] = [];
  let key: string | undefined;
  const isWanted = () => here.length === path.length && here.every((one, i) => one === path[i]);
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const [, quoted, sign, scalar] = match;
    const to = TOKEN.lastIndex;
    if (sign === '{') here.push(undefined);
    else if (sign === '[') here.push(0);
    else if (sign === '}' || sign === ']') here.pop();
    else if (sign === ',') {
      const last = here.length - 1;
      const at = here[last];
      here[last] = typeof at === 'number' ? at + 1 : undefined;
    } else if (sign === ':') here[here.length - 1] = key;
    else if (quoted !== undefined && here.at(-1) === undefined && here.length > 0)
      key = parseWithBigInts(quoted) as string;
    else if (scalar !== undefined && isWanted()) found = { from: to - scalar.length, to };
  }
  return found;
}
