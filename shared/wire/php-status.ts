import type { Effect } from '../types.ts';

const CODES = { waiting: 1, running: 2, failed: 3, complete: 4 } as const;
/** php-resque keeps the status of an ended job for a day. */
const ENDED_TTL_SECONDS = 86_400;

/** An update of php-resque's `job:<id>:status`; carried out only where the record exists. @param now epoch ms */
export function phpStatus(id: string, status: keyof typeof CODES, now: number): Effect<'status'> {
  const seconds = Math.floor(now / 1000);
  return {
    kind: 'status',
    id,
    head: `{"status":${CODES[status]},"updated":${seconds},"started":`,
    started: status === 'running' ? String(seconds) : undefined,
    tail: ',"result":null}',
    ttl: status === 'failed' || status === 'complete' ? ENDED_TTL_SECONDS : 0,
  };
}
