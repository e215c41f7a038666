import type { CountedFailed, FailedBroker, FailedRow } from '../broker/redis/failed.ts';
import { fingerprint } from '../wire/fingerprint.ts';
import { readDate } from '../wire/read-date.ts';
import { readFailed } from '../wire/read-failed.ts';
import type { FailedGroup } from './failed.ts';

/** Entries that are counted, and kept, together. */
const PART = 2_000;
/** Parts that are counted in one look, in so many commands. */
const COMMANDS = 4;
/** Parts that are kept of one list: the newest. */
const MOST_PARTS = 150;
/** Characters of a message that stands for its group. */
const SAMPLE = 200;

interface FailedCounts {
  readonly groups: readonly FailedGroup[];
  /** By UTC day, YYYY-MM-DD. */
  readonly days: ReadonlyMap<string, number>;
  readonly scanned: number;
  readonly total: number;
  /** Redis's time, epoch ms. */
  readonly now: number;
}

interface Group extends Omit<FailedGroup, 'queues' | 'count' | 'first' | 'last'> {
  count: number;
  first: Date | undefined;
  last: Date | undefined;
  readonly queues: Set<string>;
}

/** What was counted of one part of a list, from its end on. */
interface Part {
  /** Position and mark of its newest entry: while that stays, so do all before it. */
  readonly last: number;
  readonly mark: string;
  /** Position from which on to count. */
  next: number;
  scanned: number;
  readonly groups: Map<string, Group>;
  readonly days: Map<string, number>;
}

/**
 * Counts what failed in the same way. What was counted is kept as long as nothing is removed below it, so that each
 * look counts on where the last one ended.
 */
export class FailedCounter {
  readonly #store: FailedBroker;
  /** By list, then by the number of the part. */
  readonly #lists = new Map<string, Map<number, Part>>();

  constructor(store: FailedBroker) {
    this.#store = store;
  }

  async count(list: string): Promise<FailedCounts> {
    const parts = this.#lists.get(list) ?? new Map<number, Part>();
    this.#lists.set(list, parts);
    const known = [...parts];
    const { length, marks, now } = await this.#store.failedMarks(
      list,
      known.map(([, { last }]) => last),
    );
    for (const [i, [number, part]] of known.entries()) {
      const newest = Math.min((number + 1) * PART, length) - 1;
      if (marks[i] !== part.mark || part.last !== newest) parts.delete(number);
    }
    await this.#countMore(list, parts, length);
    return { ...merge([...parts].sort(([a], [b]) => b - a).map(([, part]) => part)), total: length, now };
  }

  async #countMore(list: string, parts: Map<number, Part>, length: number): Promise<void> {
    const newest = Math.ceil(length / PART) - 1;
    for (const number of parts.keys()) if (number <= newest - MOST_PARTS) parts.delete(number);
    let commands = COMMANDS;
    for (let number = newest; number >= 0 && number > newest - MOST_PARTS; number--) {
      const first = number * PART;
      let part = parts.get(number);
      while ((part?.next ?? first) >= first && commands > 0) {
        commands--;
        const last = part?.next ?? Math.min(first + PART, length) - 1;
        const counted = await this.#store.countFailed(list, last, first);
        part ??= {
          last: Math.min(last, counted.length - 1),
          mark: counted.mark,
          next: last,
          scanned: 0,
          groups: new Map(),
          days: new Map(),
        };
        add(part, counted);
        if (part.scanned > 0) parts.set(number, part);
        part.next = counted.next;
      }
      if (commands === 0) return;
    }
  }
}

function add(part: Part, { rows, others }: CountedFailed): void {
  for (const row of rows) addRow(part, row);
  for (const bytes of others) {
    const { fields } = readFailed(bytes);
    const { failedAt: at } = fields;
    const { class: name, exception, error } = fields;
    count(part, { class: name, exception, error, queue: fields.queue, number: 1, first: at, last: at });
  }
}

function addRow(part: Part, row: FailedRow): void {
  const [first, last] = [readDate(row.first), readDate(row.last)];
  const error = textOf(row.message);
  const { exception, queue } = row;
  count(part, { class: row.class, exception, error, queue, number: row.count, first, last });
}

interface Counted {
  readonly class: string | undefined;
  readonly exception: string;
  readonly error: string;
  readonly queue: string | undefined;
  readonly number: number;
  readonly first: Date | undefined;
  readonly last: Date | undefined;
}

function count(part: Part, { class: name, exception, error, queue, number, first, last }: Counted): void {
  const print = fingerprint(exception, error);
  const id = `${name ?? ''}\n${print}`;
  let group = part.groups.get(id);
  if (!group) {
    const sample = error.length > SAMPLE ? `${error.slice(0, SAMPLE - 1).toWellFormed()}…` : error;
    group = { fingerprint: print, class: name, exception, sample, count: 0, first, last, queues: new Set() };
    part.groups.set(id, group);
  }
  group.count += number;
  group.first = earlier(group.first, first);
  group.last = later(group.last, last);
  if (queue) group.queues.add(queue);
  part.scanned += number;
  // All of a row failed on one day.
  const day = last?.toISOString().slice(0, 10);
  if (day !== undefined) part.days.set(day, (part.days.get(day) ?? 0) + number);
}

/** @param parts the newest first */
function merge(parts: readonly Part[]): Pick<FailedCounts, 'groups' | 'days' | 'scanned'> {
  const groups = new Map<string, Group>();
  const days = new Map<string, number>();
  let scanned = 0;
  for (const part of parts) {
    scanned += part.scanned;
    for (const [day, number] of part.days) days.set(day, (days.get(day) ?? 0) + number);
    for (const [id, group] of part.groups) {
      const found = groups.get(id);
      if (!found) {
        groups.set(id, { ...group, queues: new Set(group.queues) });
        continue;
      }
      found.count += group.count;
      found.first = earlier(found.first, group.first);
      found.last = later(found.last, group.last);
      for (const queue of group.queues) found.queues.add(queue);
    }
  }
  const sorted = [...groups.values()].sort((a, b) => b.count - a.count);
  return { groups: sorted.map((group) => ({ ...group, queues: [...group.queues].sort() })), days, scanned };
}

const earlier = (a: Date | undefined, b: Date | undefined) => (a && b ? (a < b ? a : b) : (a ?? b));
const later = (a: Date | undefined, b: Date | undefined) => (a && b ? (a > b ? a : b) : (a ?? b));

/** What a JSON text says, of which the end may be missing. */
function textOf(json: string): string {
  for (const text of [json, json.replace(/\\(?:u[0-9a-f]{0,3})?$/i, ''), json.replaceAll('\\', '/')]) {
    try {
      return (JSON.parse(`"${text}"`) as string).replace(/\ufffd+$/, '');
    } catch {
      // Cut in the middle of an escape; or with a character that JSON does not have.
    }
  }
  return json;
}
