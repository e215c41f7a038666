import type { CronBroker, CronState } from '../../broker/redis/cron.ts';
import { LambdesqueError, RedisUnavailableError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { writePayload } from '../../wire/payload.ts';
import { dueSlots } from './due.ts';
import type { CronRule } from './entry.ts';
import { CronTable, type CronTableDeps, type InvalidEntry } from './table.ts';

/** With `overlap: 'skip'`, a job that has not ended after this time counts as lost. */
const ALIVE_MS = 24 * 3_600_000;

export interface CronRunnerDeps extends CronTableDeps {
  readonly store: CronBroker;
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
  readonly #setting: CronRunnerDeps;
  readonly #table: CronTable;
  /** Invalid entries whose status is still to be written. */
  #untold: InvalidEntry[] = [];

  /** @throws ConfigError for a static entry that is wrong */
  constructor(setting: CronRunnerDeps) {
    this.#setting = setting;
    this.#table = new CronTable(setting);
  }

  /** @param known state, if it has been read just now */
  async run(now: number, known?: CronState): Promise<CronResult> {
    const { store } = this.#setting;
    const state = known ?? (await store.read());
    const { rules, invalid, gone } = this.#table.rules(state.dynamic);
    // Ruby removes the entry only: what we know of its slots must not be there when it is set again.
    for (const name of gone) await store.forget(name);
    this.#untold.push(...invalid);
    for (let one = this.#untold[0]; one; one = this.#untold[0]) {
      await store.setStatus(one.name, { outcome: 'invalid', at: now, error: one.error });
      this.#untold.shift();
    }
    await store.see(
      rules.map(({ name, timing }) => ({ name, fingerprint: timing.fingerprint })),
      state,
      now,
    );
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
    for (const slot of dueSlots(
      rule,
      since,
      Math.max(state.last.get(rule.name) ?? 0, state.resumed.get(rule.name) ?? 0),
      now,
    )) {
      try {
        if (await claim(store, rule, slot, now)) enqueued++;
      } catch (error) {
        // Redis is away, or its answer was lost: then nobody knows yet whether the slot was claimed. The next tick does.
        if (error instanceof RedisUnavailableError) throw error;
        const reason = error instanceof LambdesqueError ? error.message : String(error);
        log.error('A cron job could not be enqueued; the next tick tries again', {
          name: rule.name,
          slot: new Date(slot).toISOString(),
          error,
        });
        try {
          onEnqueueError?.(rule.name, new Date(slot), error);
        } catch (thrown) {
          log.error('onEnqueueError threw', { name: rule.name, error: thrown });
        }
        await store.setStatus(rule.name, { outcome: 'error', at: now, slot, error: reason });
        break;
      }
    }
    return enqueued;
  }
}

async function claim(store: CronBroker, rule: CronRule, slot: number, now: number): Promise<boolean> {
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
