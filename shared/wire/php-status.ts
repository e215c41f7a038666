import { stringify } from '../json.ts';
import type { Effect } from '../types.ts';

const CODES = { waiting: 1, running: 2, failed: 3, complete: 4 } as const;
/** php-resque keeps the status of an ended job for a day. */
const ENDED_TTL_SECONDS = 86_400;

/** A result of more characters is left out: the record is for what somebody waits for, not for files. */
const MOST_RESULT = 262_144;

/**
 * An update of php-resque's `job:<id>:status`; carried out only where the record exists.
 * @param now epoch ms  @param result what the handler returned: null is written for what is no JSON, or too long
 */
export function phpStatus(id: string, status: keyof typeof CODES, now: number, result?: unknown): Effect<'status'> {
  const seconds = Math.floor(now / 1000);
  return {
    kind: 'status',
    id,
    head: `{"status":${CODES[status]},"updated":${seconds},"started":`,
    started: status === 'running' ? String(seconds) : undefined,
    tail: `,"result":${jsonOf(result)}}`,
    ttl: status === 'failed' || status === 'complete' ? ENDED_TTL_SECONDS : 0,
  };
}

function jsonOf(result: unknown): string {
  try {
    // Undefined for undefined and functions.
    const json: string | undefined = result === undefined ? undefined : stringify(result);
    return json !== undefined && json.length <= MOST_RESULT ? json : 'null';
  } catch {
    return 'null';
  }
}
