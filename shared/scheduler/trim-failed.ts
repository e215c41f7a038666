import type { FailedTrimBroker } from '../broker/redis/failed.ts';
import { type Duration, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { readDate } from '../wire/read-date.ts';
import type { Step, Tick } from './step.ts';

/** How much of the failed list is kept. Of `<queue>_failed` lists all is. */
export interface FailedLimits {
  /** Entries; of more, the oldest go. @default all */
  readonly max?: number;
  /** How long ago an entry may have failed: milliseconds, or text such as `'30d'`. @default however long */
  readonly age?: Duration;
}

/** It is looked at so often, ms. */
const EVERY_MS = 60_000;
/** Entries removed in one share by number, and looked at for their age. */
const AT_ONCE = 5_000;
const LOOKED_AT = 500;

/** @throws ConfigError naming the field */
export function failedLimits({ max, age }: FailedLimits, name = 'failed'): { max?: number; age?: number } {
  if (max !== undefined && !(Number.isInteger(max) && max >= 0)) {
    throw new ConfigError(`${name}.max must be a whole number of entries, 0 or more; got ${String(max)}.`);
  }
  return {
    ...(max === undefined ? {} : { max }),
    ...(age === undefined ? {} : { age: durationMs(age, `${name}.age`, { least: 1_000 }) }),
  };
}

/** Keeps the failed list short: a step of the tick, once a minute. Kept by whoever ticks again and again. */
export class FailedTrimmer {
  readonly #store: FailedTrimBroker;
  readonly #limits: { readonly max?: number; readonly age?: number };
  readonly #log: Logger;
  /** On Redis's clock, epoch ms. */
  #nextAt = 0;
  #removed = 0;

  /** @throws ConfigError for limits that cannot be */
  constructor(store: FailedTrimBroker, limits: FailedLimits, log: Logger) {
    this.#store = store;
    this.#limits = failedLimits(limits);
    this.#log = log;
  }

  step(): Step {
    return {
      name: 'failed list',
      dueAt: () => this.#nextAt,
      begin: (tick) => async () => {
        if (tick.now() < this.#nextAt) return false;
        if ((await this.#trimByNumber(tick)) || (await this.#trimByAge(tick))) return true;
        this.#nextAt = tick.now() + EVERY_MS;
        if (this.#removed > 0) this.#log.info('The failed list was cut to its limit', { removed: this.#removed });
        this.#removed = 0;
        return false;
      },
    };
  }

  /** @returns whether there is more to do */
  async #trimByNumber(tick: Tick): Promise<boolean> {
    const { max } = this.#limits;
    if (max === undefined) return false;
    const { removed, wrong } = await this.#store.trimFailed(AT_ONCE, { leave: max });
    tick.report(wrong);
    this.#removed += removed;
    return removed === AT_ONCE;
  }

  async #trimByAge(tick: Tick): Promise<boolean> {
    const { age } = this.#limits;
    if (age === undefined) return false;
    const { times, marks, wrong } = await this.#store.oldestFailed(LOOKED_AT);
    tick.report(wrong);
    const count = oldAtStart(times, tick.now() - age);
    const mark = marks[count - 1];
    if (count === 0 || mark === undefined) return false;
    // Somebody may have removed some since; then the next minute's look is soon enough.
    const { removed } = await this.#store.trimFailed(count, { mark });
    this.#removed += removed;
    return removed === count && count === times.length;
  }
}

/** How many entries at the start are older; one that has no time goes with those behind it. @param before epoch ms */
function oldAtStart(times: readonly string[], before: number): number {
  let count = 0;
  for (const [i, text] of times.entries()) {
    const time = readDate(text)?.getTime();
    if (time === undefined) continue;
    if (time >= before) break;
    count = i + 1;
  }
  return count;
}
