import type { CronBroker, CronState, SlotClaim } from '../../broker/cron-broker.ts';
import { type LambdesqueError, RedisUnavailableError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Share, Step, Tick } from '../step.ts';
import { cronPayload } from './cron-payload.ts';
import { dueSlots } from './due-slots.ts';
import type { CronRule } from './entry.ts';
import { SinceNotes } from './first-seen.ts';
import { CronTable, type CronTableDeps, type InvalidEntry } from './table.ts';

export interface CronRunnerDeps extends CronTableDeps {
  readonly store: CronBroker;
  /** What other runners of the same entries have worked out. @default nothing */
  readonly memory?: CronMemory | undefined;
  readonly log: Logger;
  /** Called when a slot's job could not be enqueued; the slot is tried again by the next tick. */
  readonly onEnqueueError?: (name: string, slot: Date, error: unknown) => void;
}

/** Slots claimed in one call: few enough that Redis is not blocked for long. And of so many characters. */
const SLOTS_AT_ONCE = 100;
const CHARACTERS_AT_ONCE = 1_048_576;

/** A slot that is to be claimed. */
interface DueSlot {
  readonly rule: CronRule;
  readonly slot: number;
}

/** When nothing is to be done, as long as Redis has the same. */
interface Quiet {
  /** What was looked at: the next tick, which reads with the same reader, begins with that unless something has changed. */
  readonly seen: CronState;
  readonly rubyRuns: boolean;
  readonly from: number;
  readonly until: number;
  /** When the next slot is due. */
  readonly next: number | undefined;
}

/** What is known of the entries from tick to tick: their rules, when they were first seen, and when the next is due. */
export class CronMemory {
  readonly table: CronTable;
  readonly since = new SinceNotes();
  quiet: Quiet | undefined;

  /** @throws ConfigError for a static entry that is wrong */
  constructor(deps: CronTableDeps) {
    this.table = new CronTable(deps);
  }
}

/** Enqueues the due slots of all cron entries, each exactly once however many schedulers look. */
export class CronRunner {
  readonly #deps: CronRunnerDeps;
  readonly #memory: CronMemory;
  /** Entries whose status is still to be written. */
  #unwritten: InvalidEntry[] = [];
  /** Dynamic entries that were removed, of which something may still be known. */
  #gone = new Set<string>();

  /** @throws ConfigError for a static entry that is wrong */
  constructor(deps: CronRunnerDeps) {
    this.#deps = deps;
    this.#memory = deps.memory ?? new CronMemory(deps);
  }

  step(): Step {
    return {
      name: 'cron',
      dueAt: () => -Infinity,
      begin: (tick) => this.#begin(tick),
    };
  }

  #begin(tick: Tick): Share {
    let known = tick.snapshot.cron;
    let due: DueSlot[] = [];
    let next: number | undefined;
    return async () => {
      if (due.length === 0) {
        const state = known ?? (await this.#deps.store.read());
        known = undefined;
        ({ due, next } = await this.#look(state, tick));
      }
      if (due.length > 0) due = await this.#claim(due, tick);
      if (next !== undefined) tick.lookAgainAt(next);
      return due.length > 0;
    };
  }

  /** @returns the slots that are due, and when the next one is */
  async #look(known: CronState, tick: Tick): Promise<{ due: DueSlot[]; next: number | undefined }> {
    tick.report(known.wrong);
    const { store } = this.#deps;
    const { quiet, table } = this.#memory;
    const now = tick.now();
    const rubyRuns = tick.snapshot.due.rubyScheduler === true;
    const isQuiet = this.#gone.size === 0 && this.#unwritten.length === 0 && quiet?.rubyRuns === rubyRuns;
    if (isQuiet && now >= quiet.from && now < quiet.until && isSame(quiet.seen, known)) {
      return { due: [], next: quiet.next };
    }
    this.#memory.quiet = undefined;
    const state = known.isSure ? known : await store.read();
    tick.report(state.wrong);
    await store.note(state.heal);
    const { rules, invalid, gone } = table.rules(state.dynamic);
    await this.#forget(gone, tick);
    await this.#noteInvalid(invalid, tick);
    const { since, again } = await this.#memory.since.note(store, rules, state, now);
    const due: DueSlot[] = [];
    let next: number | undefined;
    for (const rule of rules) {
      if (state.paused.has(rule.name)) continue;
      const seen = since.get(rule.name) ?? now;
      const isStatic = table.static.has(rule.name);
      // What Ruby's scheduler reads is its own while it runs, and what it has enqueued then is not made up for.
      if (!isStatic && rubyRuns) continue;
      const rubys = isStatic ? 0 : (state.lastEnqueued.get(rule.name) ?? 0);
      const last = Math.max(state.last.get(rule.name) ?? 0, state.resumed.get(rule.name) ?? 0, rubys);
      for (const slot of dueSlots(rule, seen, last, now)) due.push({ rule, slot });
      const slot = rule.timing.next(now, seen);
      if (slot !== undefined && slot < (next ?? Infinity)) next = slot;
    }
    if (due.length === 0) {
      this.#memory.quiet = { seen: state, rubyRuns, from: now, until: Math.min(next ?? Infinity, again), next };
    }
    return { due, next };
  }

  /** Ruby removes the entry only: what we know of its slots must not be there when it is set again. */
  async #forget(gone: readonly string[], tick: Tick): Promise<void> {
    for (const name of gone) this.#gone.add(name);
    for (const name of this.#gone) {
      const wrong = await this.#deps.store.forget(name);
      tick.report(wrong);
      if (wrong.length === 0) this.#gone.delete(name);
    }
  }

  async #noteInvalid(invalid: readonly InvalidEntry[], tick: Tick): Promise<void> {
    for (const one of invalid) this.#unwritten.push(one);
    for (let one = this.#unwritten[0]; one; one = this.#unwritten[0]) {
      const { name, error } = one;
      tick.report(await this.#deps.store.setStatus(name, { outcome: 'invalid', at: tick.now(), error }));
      this.#unwritten.shift();
    }
  }

  /** Claims the first of these. @returns what is left to be claimed in this tick */
  async #claim(due: readonly DueSlot[], tick: Tick): Promise<DueSlot[]> {
    const batch = batchOf(due, tick.now(), this.#memory.table.static);
    const locks = new Set(batch.flatMap(({ lock }) => (lock ? [lock.name] : [])));
    await this.#deps.store.freeLost([...locks], tick.now());
    const { claims, wrong } = await this.#deps.store.claim(batch);
    tick.report(wrong);
    /** Their later slots wait for the one that could not be enqueued. */
    const stopped = new Set<string>();
    for (const [i, claim] of claims.entries()) {
      const one = due[i];
      if (!one) continue;
      if (claim === 'enqueued') tick.totals.cron++;
      // By Redis's clock it is yet to come.
      if (claim === 'early') tick.lookAgainAt(one.slot);
      if (typeof claim === 'object' && !stopped.has(one.rule.name)) {
        stopped.add(one.rule.name);
        await this.#refused(one, claim.error, tick);
      }
    }
    return due.slice(batch.length).filter(({ rule }) => !stopped.has(rule.name));
  }

  /** @throws what Redis says of itself, rather than of a key: then nothing can be enqueued */
  async #refused({ rule, slot }: DueSlot, error: LambdesqueError, tick: Tick): Promise<void> {
    if (error instanceof RedisUnavailableError) throw error;
    const { log, store, onEnqueueError } = this.#deps;
    const { name } = rule;
    tick.reportOnce(`cron ${name} ${error.message}`, 'A cron job could not be enqueued; each tick tries again', {
      name,
      slot: new Date(slot).toISOString(),
      error,
    });
    try {
      onEnqueueError?.(name, new Date(slot), error);
    } catch (thrown) {
      log.error('onEnqueueError threw', { name, error: thrown });
    }
    tick.report(await store.setStatus(name, { outcome: 'error', at: tick.now(), slot, error: error.message }));
  }
}

/** Has nobody written there? Then it was not read again. */
function isSame(before: CronState, state: CronState): boolean {
  const { dynamic, last, notes, paused, lastEnqueued } = before;
  return (
    dynamic === state.dynamic &&
    last === state.last &&
    notes === state.notes &&
    paused === state.paused &&
    lastEnqueued === state.lastEnqueued
  );
}

/** The claims of the first of these: few enough for one call. */
function batchOf(due: readonly DueSlot[], now: number, statics: CronTable['static']): SlotClaim[] {
  const batch: SlotClaim[] = [];
  let characters = 0;
  for (const { rule, slot } of due) {
    if (batch.length === SLOTS_AT_ONCE || characters >= CHARACTERS_AT_ONCE) break;
    const { id, payload, lock } = cronPayload(rule, slot, now);
    characters += payload.length;
    batch.push({
      name: rule.name,
      slot,
      queue: rule.queue,
      payload,
      lock,
      jobId: id,
      dynamic: !statics.has(rule.name),
    });
  }
  return batch;
}
