import { cronLockName } from '../../job/unique.ts';
import type { ControlLock } from '../../types.ts';
import { writePayload } from '../../wire/payload.ts';
import type { CronRule } from './entry.ts';

/** The lock of one that must not overlap: of a job that is lost, the scheduler gives it back much earlier. */
const HELD_MS = 30 * 86_400_000;

/**
 * The job of a slot. Its id says which, so that the same slot is the same job whoever enqueues it.
 * @param slot epoch ms  @param now epoch ms
 */
export function cronPayload(
  rule: Pick<CronRule, 'name' | 'class' | 'args' | 'argsJson' | 'overlap'>,
  slot: number,
  now: number,
): { id: string; payload: string; lock: ControlLock | undefined } {
  const iso = new Date(slot).toISOString();
  const id = `cron:${rule.name}:${iso}`;
  const cron = { name: rule.name, slot: iso };
  const lock =
    rule.overlap === 'skip'
      ? { name: cronLockName(rule.name), until: 'end' as const, ms: HELD_MS, later: false }
      : undefined;
  const control = { lock };
  const { class: name, args, argsJson } = rule;
  const fields = { class: name, args, argsJson, queue: undefined, id, queueTime: now, cron, control };
  return { id, payload: writePayload(fields), lock };
}
