import { writePayload } from '../client/payload.ts';
import { LambdesqueError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { CronState, CronStore } from '../store/cron-store.ts';
import type { CronRule } from './cron-entry.ts';
import { CronTable, type CronTableSetting } from './cron-table.ts';
import { dueSlots } from './slots.ts';

/** With `overlap: 'skip'`, a job that has not ended after this time counts as lost. */
const ALIVE_MS = 24 * 3_600_000;

export interface CronRunnerSetting extends CronTableSetting {
  readonly store: CronStore;
  readonly log: Logger;
  /** Called when a slot's job could not be enqueued; the slot is tried again by the next tick. */
  readonly onEnqueueError?: (name: string, slot: Date, error: unknown) => void;
}

export interface CronResult {
  readonly enqueued: number;
  /** The next slot of any entry, epoch ms. */
  readonly next: number | undefined;
}

/** Enqueues the due slots of all cron entries, each exactly once however many schedulers look. */
export class CronRunner {
  readonly #setting: CronRunnerSetting;
  readonly #table: CronTable;

  /** @throws ConfigError for a static entry that is wrong */
  constructor(setting: CronRunnerSetting) {
    this.#setting = setting;
    this.#table = new CronTable(setting);
  }

  async run(now: number): Promise<CronResult> {
    const { store } = this.#setting;
    const state = await store.read();
    const { rules, invalid } = this.#table.rules(state.dynamic);
    for (const { name, error } of invalid) await store.setStatus(name, { outcome: 'invalid', at: now, error });
    const unseen = rules.filter((rule) => state.since(rule.name, rule.timing.fingerprint) === undefined);
    if (unseen.length > 0) {
      await store.seen(
        unseen.map(({ name, timing }) => ({ name, fingerprint: timing.fingerprint })),
        now,
      );
    }
    let enqueued = 0;
    let next: number | undefined;
    for (const rule of rules) {
      if (state.paused.has(rule.name)) continue;
      const since = state.since(rule.name, rule.timing.fingerprint) ?? now;
      enqueued += await this.#runRule(rule, state, since, now);
      const slot = rule.timing.next(now, since);
      if (slot !== undefined && slot < (next ?? Infinity)) next = slot;
    }
    return { enqueued, next };
  }

  async #runRule(rule: CronRule, state: CronState, since: number, now: number): Promise<number> {
    const { log, store, onEnqueueError } = this.#setting;
    let enqueued = 0;
    for (const slot of dueSlots(rule, since, state.last.get(rule.name), now)) {
      try {
        if (await claim(store, rule, slot, now)) enqueued++;
      } catch (error) {
        const reason = error instanceof LambdesqueError ? error.message : String(error);
        log.error('A cron job could not be enqueued; the next tick tries again', {
          name: rule.name,
          slot: new Date(slot).toISOString(),
          error,
        });
        onEnqueueError?.(rule.name, new Date(slot), error);
        await store.setStatus(rule.name, { outcome: 'error', at: now, slot, error: reason });
        break;
      }
    }
    return enqueued;
  }
}

async function claim(store: CronStore, rule: CronRule, slot: number, now: number): Promise<boolean> {
  const { id, payload } = cronPayload(rule, slot, now);
  const answer = await store.claim({
    name: rule.name,
    slot,
    queue: rule.queue,
    payload,
    now,
    jobId: id,
    ...(rule.overlap === 'skip' ? { aliveUntil: now + ALIVE_MS } : {}),
  });
  return answer === 'enqueued';
}

/** The job of a slot. Its id says which, so that the same slot is the same job whoever enqueues it. */
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
