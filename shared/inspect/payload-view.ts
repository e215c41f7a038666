import { isUtf8 } from 'node:buffer';
import { parseWithBigInts } from '../json.ts';
import { unsplice } from '../wire/attempts.ts';
import { argsOf } from '../wire/decode.ts';
import type { JobView } from './job-view.ts';

export interface PayloadFacts extends Pick<JobView, 'state' | 'queue' | 'worker' | 'at' | 'place'> {
  /** The payload as Redis has it, or its beginning. */
  readonly bytes: Buffer;
  /** Of the whole payload, as Redis has it. @default all of it is there */
  readonly length?: number;
}

/** Of a payload that cannot be read whole: its class, which stands first in nearly every one. */
const CLASS = /^\s*\{\s*"class"\s*:\s*("(?:[^"\\]|\\.)*")/;

/** A job as its payload shows it. */
export function viewOfPayload({ bytes, length = bytes.length, ...rest }: PayloadFacts): JobView {
  const { payload, record } = unsplice(bytes.toString('utf8'));
  const { class: name, args, id, queue_time: queueTime } = fieldsOf(payload);
  return {
    ...rest,
    class: typeof name === 'string' && name !== '' ? name : undefined,
    id: typeof id === 'string' && id !== '' ? id : record?.id,
    args: typeof name === 'string' ? argsOf(args) : [],
    payload,
    exact: length === bytes.length && isUtf8(bytes),
    bytes: record ? length - (bytes.length - Buffer.byteLength(payload)) : length,
    attempts: record?.attempts ?? 0,
    deaths: record?.deaths ?? 0,
    errors: [],
    enqueuedAt: typeof queueTime === 'number' ? dateOf(queueTime * 1000) : undefined,
  };
}

/** undefined for what is no time. */
export function dateOf(time: number | string): Date | undefined {
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

interface Fields {
  readonly class?: unknown;
  readonly args?: unknown;
  readonly id?: unknown;
  readonly queue_time?: unknown;
}

function fieldsOf(payload: string): Fields {
  try {
    const value = parseWithBigInts(payload);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    const name = CLASS.exec(payload)?.[1];
    return name === undefined ? {} : classOf(name);
  }
}

function classOf(quoted: string): Fields {
  try {
    return { class: JSON.parse(quoted) as unknown };
  } catch {
    return {};
  }
}
