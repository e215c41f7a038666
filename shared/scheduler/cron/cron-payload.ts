import { writePayload } from '../../wire/payload.ts';
import type { CronRule } from './entry.ts';

/**
 * The job of a slot. Its id says which, so that the same slot is the same job whoever enqueues it.
 * @param slot epoch ms  @param now epoch ms
 */
export function cronPayload(
  rule: Pick<CronRule, 'name' | 'class' | 'args' | 'overlap'>,
  slot: number,
  now: number,
): { id: string; payload: string } {
  const iso = new Date(slot).toISOString();
  const id = `cron:${rule.name}:${iso}`;
  const cron = { name: rule.name, slot: iso, ...(rule.overlap === 'skip' ? { overlap: 'skip' as const } : {}) };
  return {
    id,
    payload: writePayload({ class: rule.class, args: rule.args, queue: undefined, id, queueTime: now, cron }),
  };
}
