import type { Numbers } from '../config.ts';
import { PayloadError } from '../errors.ts';
import { parseWithBigInts } from '../json.ts';
import { traceContext } from '../telemetry.ts';
import type { Job, RawJob } from '../types.ts';
import { unsplice } from './attempts-record.ts';
import { controlOf } from './control.ts';
import { flowOf } from './flow.ts';
import { cronSlot } from './payload.ts';

/**
 * A payload that is no job. Its failed entry shows the payload as a string where it is not the JSON of an object: resque-web's
 * page of failed jobs ends at an array, a number or true.
 */
export interface Undecodable {
  readonly raw: RawJob;
  readonly error: PayloadError;
  readonly isObject: boolean;
  readonly isUtf8: boolean;
}

/** The form of php-resque's ids, the only jobs that may have a status record. */
const PHP_ID = /^[0-9a-f]{32}$/;

/** The argument list that stands in `args`: none where it is missing or null, as in Ruby and Go; what is no array is one argument. */
export function argsOf(args: unknown): readonly unknown[] {
  if (Array.isArray(args)) return args;
  return args === undefined || args === null ? [] : [args];
}

/**
 * Reads a payload.
 * @param token first part of the id of a job that has none
 */
export function decode(raw: RawJob, token: string, numbers: Numbers): Job | Undecodable {
  const { text } = raw;
  if (text === undefined) return refuse(raw, 'it is not valid UTF-8', false);

  const { payload, record } = unsplice(text);
  let value: unknown;
  try {
    value = numbers === 'bigint' ? parseWithBigInts(payload) : JSON.parse(payload);
  } catch (error) {
    return refuse(raw, `it is not JSON (${syntaxError(error)})`, false);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(raw, `it is ${kindOf(value)}, not an object with "class" and "args"`, false);
  }
  const fields = value as {
    class?: unknown;
    args?: unknown;
    id?: unknown;
    prefix?: unknown;
    queue?: unknown;
    queue_time?: unknown;
    cron?: unknown;
    control?: unknown;
    traceparent?: unknown;
    tracestate?: unknown;
    flow?: unknown;
  };
  const { class: className, args } = fields;
  if (typeof className !== 'string' || className === '') {
    const got = className === undefined ? 'missing' : className === '' ? 'empty' : kindOf(className);
    return refuse(raw, `its "class" is ${got}, not the name of a job class`, true);
  }

  // Nothing but plain assignments: this runs for every job, and all of them should have one shape.
  const id = typeof fields.id === 'string' && fields.id !== '' ? fields.id : undefined;
  return {
    raw,
    class: className,
    args: argsOf(args),
    id: id ?? record?.id ?? newAttemptsId(token, raw),
    attemptsId: record?.id,
    attempt: record ? record.attempts + 1 : 1,
    deaths: record ? record.deaths : 0,
    payload,
    queueTime: typeof fields.queue_time === 'number' ? fields.queue_time * 1000 : undefined,
    activeJob: undefined,
    delayed: fields.queue !== undefined,
    cron: fields.cron === undefined ? undefined : cronSlot(fields.cron),
    statusId: id?.length === 32 ? statusIdOf(id, fields.prefix) : undefined,
    control: fields.control === undefined ? undefined : controlOf(fields.control),
    trace: fields.traceparent === undefined ? undefined : traceContext(fields.traceparent, fields.tracestate),
    flow: fields.flow === undefined ? undefined : flowOf(fields.flow),
    plugins: undefined,
  };
}

/** The id of a job's attempts when it is tried for the first time. @param token of its worker */
export function newAttemptsId(token: string, { seq }: RawJob): string {
  return `${token}-${seq}`;
}

/** What JSON.parse found wrong, without the piece of the text that it quotes: that may be somebody's data. */
export function syntaxError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/,? (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '');
}

function refuse(raw: RawJob, reason: string, isObject: boolean): Undecodable {
  const error = new PayloadError(`The payload is no Resque job: ${reason}.`);
  return { raw, error, isObject, isUtf8: raw.text !== undefined };
}

/** Of php-resque's status record; undefined where its id is none of php-resque's. */
export function statusIdOf(id: string, prefix: unknown): string | undefined {
  if (!PHP_ID.test(id)) return undefined;
  return typeof prefix === 'string' && prefix !== '' ? `${prefix}_${id}` : id;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
