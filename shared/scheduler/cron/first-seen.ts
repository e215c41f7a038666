import { type CronBroker, type CronState, type FieldChange, timingKey } from '../../broker/cron-broker.ts';
import { MISSED_AFTER_MS } from './due-slots.ts';
import type { CronRule } from './entry.ts';

/** How often it is noted that a timing is still there, ms. */
const NOTE_EVERY_MS = 600_000;

type Known = Map<string, { readonly fingerprint: string; readonly since: number }>;

type NamedTiming = Pick<CronRule, 'name' | 'timing'>;

/**
 * When a timing was first seen, epoch ms: no slot before that is its own. Undefined where nobody has seen it, also where
 * schedulers ticked since, twice and more, and did not see it: it was away.
 */
export function sinceOf(state: CronState, { name, timing }: NamedTiming, newest = newestOf(state)): number | undefined {
  const note = state.notes.get(timingKey(name, timing.fingerprint));
  return note === undefined || newest - note.seen > 2 * NOTE_EVERY_MS ? undefined : note.since;
}

function newestOf(state: CronState): number {
  let newest = -Infinity;
  for (const { seen } of state.notes.values()) if (seen > newest) newest = seen;
  return newest;
}

/** Keeps the notes of when timings were first seen: one for each entry that there is, and none for what there was. */
export class SinceNotes {
  /**
   * What the notes said of each entry. Two versions of an entry, in two schedulers side by side, take turns in replacing
   * each other's note; neither is new for that.
   */
  #known: Known = new Map();

  /** @returns when each rule's timing was first seen, epoch ms, by the rule's name; and when there is something to note again */
  async note(
    store: Pick<CronBroker, 'note'>,
    rules: readonly NamedTiming[],
    state: CronState,
    now: number,
  ): Promise<{ since: Map<string, number>; again: number }> {
    const newest = newestOf(state);
    const replaced = new Set<string>();
    const current = new Set(rules.map(({ name, timing }) => timingKey(name, timing.fingerprint)));
    const names = new Set(rules.map(({ name }) => name));
    const changes: FieldChange[] = [];
    for (const [field, { seen, text }] of state.notes) {
      const name = field.slice(0, field.lastIndexOf('\n'));
      if (current.has(field)) continue;
      if (names.has(name)) replaced.add(name);
      else if (newest - seen <= 2 * NOTE_EVERY_MS) continue;
      changes.push({ field, from: text, to: '' });
    }
    const known: Known = new Map();
    const since = new Map<string, number>();
    let again = Infinity;
    for (const rule of rules) {
      const { name, timing } = rule;
      const field = timingKey(name, timing.fingerprint);
      const first = sinceOf(state, rule, newest) ?? this.#guess(rule, state, replaced.has(name), now);
      known.set(name, { fingerprint: timing.fingerprint, since: first });
      since.set(name, first);
      const note = state.notes.get(field);
      if (note && note.text === `${first}:${note.seen}` && now - note.seen < NOTE_EVERY_MS) {
        again = Math.min(again, note.seen + NOTE_EVERY_MS);
        continue;
      }
      changes.push({ field, from: note?.text ?? '', to: `${first}:${now}` });
    }
    this.#known = known;
    if (!state.notesLost) await store.note({ since: changes });
    return { since, again: changes.length > 0 ? now : again };
  }

  /** Of a timing without a note. */
  #guess({ name, timing }: NamedTiming, state: CronState, wasReplaced: boolean, now: number): number {
    const known = this.#known.get(name);
    if (known?.fingerprint === timing.fingerprint && (wasReplaced || state.notesLost)) return known.since;
    // The notes cannot be read. What was claimed last still keeps a slot from coming twice.
    return state.notesLost ? now - MISSED_AFTER_MS : now;
  }
}
