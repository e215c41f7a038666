import type { CronState, FieldChange, TimingNote } from '../cron-broker.ts';
import type { Keys } from '../keys.ts';
import { AHEAD_MS } from '../scripts/cron.ts';
import type { WrongKey } from '../wrong-key.ts';
import { type Argument, list, type Reply, text } from './client.ts';
import { nameOf, numberOf, shown, wrongKeysOf } from './wrong-keys.ts';

/** In the order in which scripts take them. */
export function cronStateKeys({ cron }: Keys): string[] {
  return [cron.schedules, cron.last, cron.since, cron.paused, cron.lastEnqueued, cron.changed, cron.version];
}

/** The fields of a hash; of those that are no names only one, to be reported. */
export function fieldsOf(reply: Reply | undefined): { named: Map<string, string>; nameless: Reply | undefined } {
  const flat = list(reply);
  const named = new Map<string, string>();
  let nameless: Reply | undefined;
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = nameOf(flat[i]);
    if (name === undefined) nameless ??= flat[i];
    else named.set(name, text(flat[i + 1]));
  }
  return { named, nameless };
}

/**
 * Reads what scripts answer of cron entries, and remembers it: of a hash that has not changed since, Redis sends nothing, and
 * nothing is read again. Kept by whoever ticks again and again.
 */
export class CronReader {
  #known: Known = [];
  /** What is enough to know that nothing has changed, and from when until when, epoch ms. */
  #stamp = NO_STAMP;

  /** One call of a script: what it needs to know, and how to read its reply. @param what for a while, sizes and a version are enough */
  look(keys: Keys, what: 'all' | 'enough' = 'enough'): CronLook {
    // As of this call: another may come between.
    const known = this.#known;
    const { text, from, until } = what === 'all' ? NO_STAMP : this.#stamp;
    return {
      arguments: [text, from, until, ...Array.from({ length: HASHES }, (_, i) => known[i]?.sum ?? '')],
      stateOf: (reply) => this.#stateOf(reply, keys, known),
    };
  }

  #stateOf(reply: Reply | undefined, { cron }: Keys, known: Known): CronState {
    const [time, schedules, last, since, paused, lastEnqueued, wrong, sums, stamp] = list(reply);
    const now = Number(time);
    const reader = new MarkReader(now);
    const current: (Remembered | undefined)[] = [];
    const read = <Value>(place: number, key: string, fields: Reply | undefined, parse: () => Value): Value => {
      const before = known[place];
      if (fields === 1 && before) {
        current[place] = before;
        return before.value as Value;
      }
      const value = parse();
      const sum = text(list(sums)[place]);
      // What hangs on the time, or has to be told each time, is read anew.
      if (Array.isArray(fields) && sum !== '' && !reader.isFleeting(key))
        current[place] = { sum, value, size: fields.length / 2 };
      return value;
    };
    const state = {
      now,
      isSure: list(sums).length > 0,
      dynamic: read(0, cron.schedules, schedules, () =>
        Array.isArray(schedules) ? reader.fields(cron.schedules, schedules) : undefined,
      ),
      last: read(1, cron.last, last, () => reader.times(cron.last, last)),
      notes: read(2, cron.since, since, () => reader.notes(cron.since, since)),
      notesLost: !Array.isArray(since) && since !== 1,
      ...read(3, cron.paused, paused, () => reader.pauses(cron.paused, paused)),
      lastEnqueued: read(4, cron.lastEnqueued, lastEnqueued, () => reader.rubyTimes(cron.lastEnqueued, lastEnqueued)),
    };
    if (state.isSure) {
      this.#known = current;
      const all = current.filter((one) => one !== undefined);
      const fields = all.reduce((sum, { size }) => sum + size, 0);
      const until = now + Math.min(LONGEST_ENOUGH_MS, fields * ENOUGH_MS);
      this.#stamp = all.length === HASHES ? { text: text(stamp), from: now, until } : NO_STAMP;
    }
    const heal = {
      last: reader.ahead.get(cron.last) ?? [],
      since: reader.ahead.get(cron.since) ?? [],
      paused: reader.ahead.get(cron.paused) ?? [],
    };
    return { ...state, heal, wrong: [...wrongKeysOf(wrong), ...reader.wrong.values()] };
  }
}

/** A hash as it was read. @property sum its checksum, by Redis  @property size its fields */
interface Remembered {
  readonly sum: string;
  readonly size: number;
  readonly value: unknown;
}

type Known = readonly (Remembered | undefined)[];

interface CronLook {
  readonly arguments: Argument[];
  /** @param reply of the script */
  stateOf(reply: Reply | undefined): CronState;
}

const HASHES = 5;
/** For so many ms for each field a stamp is enough, and at the most so many: a part in ten thousand of Redis's time goes into checksums. */
const ENOUGH_MS = 5;
const LONGEST_ENOUGH_MS = 60_000;
const NO_STAMP = { text: '', from: 0, until: 0 };

const RUBY_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (UTC|[+-]\d{4})$/;

/** A timing of which nobody knows when it was first seen, was seen so long ago, ms. */
const UNKNOWN_MS = 60_000;

/** Reads what schedulers have noted in hashes, where anything may stand, and any clock may have been wrong. */
class MarkReader {
  readonly #now: number;
  /** One for each key is enough to find the others. */
  readonly wrong = new Map<string, WrongKey>();
  /** Keys with times that may count later. */
  readonly #later = new Set<string>();
  readonly ahead = new Map<string, FieldChange[]>();

  constructor(now: number) {
    this.#now = now;
  }

  /** May it mean something else another time? */
  isFleeting(key: string): boolean {
    return this.wrong.has(key) || this.#later.has(key);
  }

  fields(key: string, reply: Reply | undefined): Map<string, string> {
    const { named, nameless } = fieldsOf(reply);
    if (nameless !== undefined)
      this.#report(key, `its field ${shown(nameless)} is no name: it is not UTF-8, or too long`);
    return named;
  }

  times(key: string, reply: Reply | undefined): Map<string, number> {
    const times = new Map<string, number>();
    for (const [field, value] of this.fields(key, reply)) {
      const time = this.#time(key, field, value);
      if (time !== undefined) times.set(field, time);
    }
    return times;
  }

  /** Times as Ruby's `Time#to_s` writes them. One that cannot be read, or lies in the future, says nothing. */
  rubyTimes(key: string, reply: Reply | undefined): Map<string, number> {
    const times = new Map<string, number>();
    for (const [field, value] of this.fields(key, reply)) {
      const [, day, time, zone = ''] = RUBY_TIME.exec(value) ?? [];
      const at = Date.parse(`${day}T${time}${zone === 'UTC' ? 'Z' : zone.replace(/(\d\d)$/, ':$1')}`);
      if (at <= this.#now + AHEAD_MS) times.set(field, at);
      else if (at > this.#now) this.#later.add(key);
    }
    return times;
  }

  notes(key: string, reply: Reply | undefined): Map<string, TimingNote> {
    const notes = new Map<string, TimingNote>();
    for (const [field, value] of this.fields(key, reply)) {
      const [since = Number.NaN, seen = Number.NaN] = value.split(':').map(numberOf);
      if (!field.includes('\n')) {
        this.#report(key, `its field ${shown(field)} is not the name of an entry and its timing`);
      } else if (Number.isNaN(since) || Number.isNaN(seen)) {
        this.#report(key, `its field ${shown(field)} held ${shown(value)}, not when a timing was first and last seen`);
        // The slot that is due just now is not to be lost over it. What was claimed last keeps one from coming twice.
        notes.set(field, { since: this.#now - UNKNOWN_MS, seen: this.#now, text: value });
      } else if (Math.max(since, seen) > this.#now + AHEAD_MS) {
        const healed = { since: Math.min(since, this.#now), seen: Math.min(seen, this.#now) };
        const to = `${healed.since}:${healed.seen}`;
        this.#heal(key, field, value, to);
        notes.set(field, { ...healed, text: to });
      } else {
        notes.set(field, { since, seen, text: value });
      }
    }
    return notes;
  }

  pauses(key: string, reply: Reply | undefined): Pick<CronState, 'paused' | 'resumed'> {
    const paused = new Set<string>();
    const resumed = new Map<string, number>();
    for (const [field, value] of this.fields(key, reply)) {
      if (value === '') {
        paused.add(field);
      } else {
        const time = this.#time(key, field, value);
        if (time !== undefined) resumed.set(field, time);
      }
    }
    return { paused, resumed };
  }

  #time(key: string, field: string, value: string): number | undefined {
    const time = numberOf(value);
    if (Number.isNaN(time)) {
      this.#report(key, `its field ${shown(field)} holds ${shown(value)}, not a time; it does not count`);
      return undefined;
    }
    if (time <= this.#now + AHEAD_MS) return time;
    this.#heal(key, field, value, String(this.#now));
    return this.#now;
  }

  #heal(key: string, field: string, from: string, to: string): void {
    this.#report(key, `the time of ${shown(field)} lay in the future, as a wrong clock leaves it; it counts as now`);
    const changes = this.ahead.get(key) ?? [];
    changes.push({ field, from, to });
    this.ahead.set(key, changes);
  }

  #report(key: string, error: string): void {
    if (!this.wrong.has(key)) this.wrong.set(key, { key, error });
  }
}
