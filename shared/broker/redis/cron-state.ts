import type { CronState, FieldChange, TimingNote } from '../cron-broker.ts';
import type { Keys } from '../keys.ts';
import { AHEAD_MS } from '../scripts/cron.ts';
import type { WrongKey } from '../wrong-key.ts';
import { list, type Reply, text } from './client.ts';
import { nameOf, numberOf, shown, wrongKeysOf } from './wrong-keys.ts';

/** In the order in which scripts take them. */
export function cronStateKeys({ cron }: Keys): string[] {
  return [cron.schedules, cron.last, cron.since, cron.paused, cron.lastEnqueued];
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

/** @param reply of the script */
export function cronStateOf(reply: Reply | undefined, { cron }: Keys): CronState {
  const [time, schedules, last, since, paused, lastEnqueued, wrong] = list(reply);
  const now = Number(time);
  const reader = new MarkReader(now);
  const state = {
    now,
    dynamic: Array.isArray(schedules) ? reader.fields(cron.schedules, schedules) : undefined,
    last: reader.times(cron.last, last),
    notes: reader.notes(cron.since, since),
    notesLost: !Array.isArray(since),
    ...reader.pauses(cron.paused, paused),
    lastEnqueued: reader.rubyTimes(cron.lastEnqueued, lastEnqueued),
  };
  const heal = {
    last: reader.ahead.get(cron.last) ?? [],
    since: reader.ahead.get(cron.since) ?? [],
    paused: reader.ahead.get(cron.paused) ?? [],
  };
  return { ...state, heal, wrong: [...wrongKeysOf(wrong), ...reader.wrong.values()] };
}

const RUBY_TIME = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (UTC|[+-]\d{4})$/;

/** A timing of which nobody knows when it was first seen, was seen so long ago, ms. */
const UNKNOWN_MS = 60_000;

/** Reads what schedulers have noted in hashes, where anything may stand, and any clock may have been wrong. */
class MarkReader {
  readonly #now: number;
  /** One for each key is enough to find the others. */
  readonly wrong = new Map<string, WrongKey>();
  readonly ahead = new Map<string, FieldChange[]>();

  constructor(now: number) {
    this.#now = now;
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
