import { hasHalfPair, stringify } from '../json.ts';
import type { Effect, KeptResult } from '../types.ts';

const CODES = { waiting: 1, running: 2, failed: 3, complete: 4 } as const;
/** php-resque keeps the status of an ended job for a day. */
const ENDED_TTL_SECONDS = 86_400;
/** The record of a job of ours that has not ended is kept so long after its last change: one that is lost does not stay for ever. */
export const WAITING_SECONDS = 2_592_000;

/** Bytes of a result's JSON: the record is for what somebody waits for, not for files. */
const MOST_RESULT = 262_144;
/** Characters of an error in it. */
const MOST_ERROR = 1_000;

/** What the record of a job of ours says besides. */
export interface Tracked {
  readonly state: 'waiting' | 'running' | 'retrying' | 'succeeded' | 'failed' | 'discarded';
  /** Of the attempt that runs, or that ended last. */
  readonly attempt: number;
  /** Of the attempt that ended last. */
  readonly error?: string | undefined;
  /** Seconds for which it is kept when the job has ended. */
  readonly keep: number;
}

/**
 * An update of php-resque's `job:<id>:status`; carried out only where the record exists.
 * @param now epoch ms
 * @param result what the handler returned: null is written for what cannot be kept
 * @param tracked of a job that our client tracks
 */
export function phpStatus(
  id: string,
  status: keyof typeof CODES,
  now: number,
  { result, tracked }: { readonly result?: KeptResult | undefined; readonly tracked?: Tracked | undefined } = {},
): Effect<'status'> {
  const seconds = Math.floor(now / 1000);
  const ended = status === 'failed' || status === 'complete';
  const error = result && 'problem' in result ? result.problem : tracked?.error;
  return {
    kind: 'status',
    id,
    head: `{"status":${CODES[status]},"updated":${seconds},"started":`,
    started: status === 'running' ? String(seconds) : undefined,
    tail: `,"result":${result && 'json' in result ? result.json : 'null'}`,
    more: tracked ? moreOf(tracked, ended ? now : undefined, error) : '',
    ttl: ended ? (tracked?.keep ?? ENDED_TTL_SECONDS) : tracked ? WAITING_SECONDS + tracked.keep : 0,
    ended: ended && tracked !== undefined,
  };
}

/** What a handler has returned, for its record. */
export function keptResult(result: unknown): KeptResult {
  if (result === undefined) return { json: 'null' };
  let json: string | undefined;
  try {
    // Undefined for functions and symbols.
    json = stringify(result);
  } catch (error) {
    return {
      problem: `The result is no JSON (${error instanceof Error ? error.message.split('\n')[0] : String(error)}), so that it was not kept. Return data.`,
    };
  }
  if (json === undefined)
    return { problem: `The result is no JSON (a ${typeof result}), so that it was not kept. Return data.` };
  if (hasHalfPair(json))
    return {
      problem:
        'The result has half of a surrogate pair, which is no UTF-8, so that it was not kept. Cut text between characters, or return text.toWellFormed().',
    };
  const size = json.length > MOST_RESULT ? json.length : Buffer.byteLength(json);
  if (size <= MOST_RESULT) return { json };
  return {
    problem: `The result is ${Buffer.byteLength(json)} bytes of JSON, of which ${MOST_RESULT} can be kept, so that it was not. Put it elsewhere, and return where it is.`,
  };
}

function moreOf({ state, attempt }: Tracked, ended: number | undefined, error: string | undefined): string {
  const told = error === undefined ? '' : `,"error":${JSON.stringify(error.slice(0, MOST_ERROR).toWellFormed())}`;
  return `,"state":"${state}","attempt":${attempt}${ended === undefined ? '' : `,"ended":${Math.floor(ended)}`}${told}`;
}
