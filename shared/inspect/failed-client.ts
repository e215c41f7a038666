import { isUtf8 } from 'node:buffer';
import { shortMark } from '../broker/element-digest.ts';
import type { ElementChange, ListName } from '../broker/lists.ts';
import type { FailedBroker } from '../broker/redis/failed.ts';
import { requeueEffects } from '../broker/removal.ts';
import { ConfigError, RedisTypeError } from '../errors.ts';
import type { Registry } from '../job/registry.ts';
import { checkLimit, needleOf, readBetween, writeBetween } from './cursor.ts';
import type { Failed, FailedPage, FailedQuery } from './failed.ts';
import { type EntryPlace, entryPlace, failedList, fitsQuery, type OpenEntry, openEntry } from './failed-entry.ts';
import { FailedCounter } from './failed-groups.ts';
import { entryOfLine, lineOf } from './failed-lines.ts';

const PAGE = 25;
/** Entries that one page looks at, bytes of them, and commands for it. */
const LOOKED_AT = 20_000;
const BYTES = 16_777_216;
const COMMANDS = 4;
/** Entries of one look that goes through all, and bytes. */
const AT_ONCE = 5_000;
const BYTES_AT_ONCE = 8_388_608;
const FOUND_AT_ONCE = 500;
const MOST_GROUPS = 500;
const DAYS = 30;
const DAY_MS = 86_400_000;
/** Lines of an import in one call, and characters. */
const LINES_AT_ONCE = 500;
const TEXT_AT_ONCE = 1_048_576;

interface OpenPage extends Omit<FailedPage, 'items'> {
  readonly items: readonly OpenEntry[];
  /** Of the list. */
  readonly length: number;
}

interface Look {
  /** @default 'head': the newest first */
  readonly towards?: 'head' | 'tail';
  readonly cursor?: string | undefined;
  readonly limit: number;
  readonly most: number;
  readonly bytes: number;
  readonly commands: number;
}

/** @param registry tells the queue of an entry that names none */
export function createFailed(store: FailedBroker, registry?: Registry): Failed {
  const counter = new FailedCounter(store);

  async function look(query: FailedQuery, options: Look): Promise<OpenPage> {
    const { towards = 'head', cursor, limit, most, bytes, commands } = options;
    const list = failedList(query.list);
    const items: OpenEntry[] = [];
    let from = cursor === undefined || cursor === '' ? undefined : readBetween(cursor);
    let [scanned, length] = [0, 0];
    for (let i = 0; i < commands; i++) {
      const result = await store.search([list], {
        towards,
        from,
        texts: textsOf(query),
        since: query.since,
        until: query.until,
        most: Math.min(AT_ONCE, most - scanned),
        bytes: bytes / commands,
        // Of those that hold its texts all fit, or nearly: but for what only a look at the whole entry tells.
        limit: looksDeeper(query) ? FOUND_AT_ONCE : limit - items.length,
      });
      const [wrong] = result.wrong;
      if (wrong) {
        throw new RedisTypeError(
          `The key ${wrong.key} is no list of failed entries: Redis says ${JSON.stringify(wrong.error)}. Nothing can be listed or ` +
            'changed in it until it is renamed or deleted.',
        );
      }
      scanned += result.scanned;
      length = result.length;
      for (const found of result.found) {
        const open = openEntry(found);
        if (fitsQuery(open.entry, query)) items.push(open);
      }
      if (items.length > limit) return cutPage(query, items, options, scanned);
      if (!result.end) return { items, cursor: undefined, scanned, length, complete: true };
      from = result.end;
      if (items.length >= limit || scanned >= most) break;
    }
    return { items, cursor: from && writeBetween(from), scanned, length, complete: false };
  }

  /** The first of what was found, and the place behind it. */
  async function cutPage(
    query: FailedQuery,
    found: readonly OpenEntry[],
    options: Look,
    scanned: number,
  ): Promise<OpenPage> {
    const { towards = 'head', limit } = options;
    const items = found.slice(0, limit);
    const { whole, bytes } = items.at(-1) as OpenEntry;
    const position = whole.position + (towards === 'tail' ? 1 : -1);
    const from = { position, passed: [shortMark(bytes)], next: [] };
    // Looks at nothing: it only answers what is around.
    const none = { towards, from, texts: [], most: 0, bytes: 0, limit: 0 };
    const { end, length } = await store.search([failedList(query.list)], none);
    return { items, cursor: end && writeBetween(end), scanned, length, complete: end === undefined };
  }

  /** Everything that fits, some at a time. */
  async function* all(query: FailedQuery, towards?: 'tail'): AsyncGenerator<OpenPage> {
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const one = {
        towards: towards ?? ('head' as const),
        cursor,
        limit: FOUND_AT_ONCE,
        most: AT_ONCE,
        bytes: BYTES_AT_ONCE,
        commands: 1,
      };
      const found: OpenPage = await look(query, one);
      if (found.items.length > 0) yield found;
      cursor = found.cursor;
    }
  }

  /** @returns undefined where its payload is no job, or nothing names a queue */
  function retryOf({ entry, bytes, cut, whole }: OpenEntry): ElementChange | undefined {
    const queue = entry.queue ?? (entry.class && registry?.handlerFor(entry.class)?.definition.queue);
    if (!cut || !queue) return undefined;
    const { payload } = cut;
    const job = Buffer.isBuffer(payload) ? payload : bytes.subarray(payload.start, payload.end);
    return { ...whole, to: 'queue', queue, cut, effects: requeueEffects(job.toString('utf8'), queue) };
  }

  async function find({ list, whole }: EntryPlace): Promise<OpenEntry | undefined> {
    const found = await store.read(list, whole);
    return found && openEntry(found);
  }

  async function changeAll(query: FailedQuery, changeOf: (open: OpenEntry) => ElementChange | undefined) {
    const list = failedList(query.list);
    let count = 0;
    for await (const { items, length } of all(query)) {
      const changes = items.map(changeOf).filter((change) => change !== undefined);
      for (const done of await store.change(list, changes, length)) if (done) count++;
    }
    return count;
  }

  async function append(list: ListName, entries: (string | Buffer)[]): Promise<number> {
    const some = entries.splice(0);
    if (some.length > 0) await store.appendFailed(list.name, some);
    return some.length;
  }

  return {
    lists: () => store.failedLists(),

    async page({ cursor, limit = PAGE, ...query } = {}) {
      checkLimit(limit);
      const {
        items,
        cursor: next,
        scanned,
        complete,
      } = await look(query, {
        cursor,
        limit,
        most: LOOKED_AT,
        bytes: BYTES,
        commands: COMMANDS,
      });
      return { items: items.map(({ entry }) => entry), cursor: next, scanned, complete };
    },

    async *find(query) {
      for await (const { items } of all(query)) for (const { entry } of items) yield entry;
    },

    async groups({ list } = {}) {
      const { groups, scanned, total } = await counter.count(failedList(list).name);
      return { groups: groups.slice(0, MOST_GROUPS), scanned, total };
    },

    async byDay({ days = DAYS, list } = {}) {
      if (!Number.isInteger(days) || days < 1 || days > 3_660) {
        throw new ConfigError(`days must be a whole number from 1 to 3660; got ${String(days)}.`);
      }
      const counts = await counter.count(failedList(list).name);
      const { now, scanned, total } = counts;
      const last = Array.from({ length: days }, (_, i) => {
        const day = new Date(now - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10);
        return { day, count: counts.days.get(day) ?? 0 };
      });
      return { days: last, scanned, total };
    },

    async retry({ place }) {
      const at = entryPlace(place);
      const open = await find(at);
      if (!open) return false;
      const change = retryOf(open);
      if (!change) throw new ConfigError(whyNot(open));
      return (await store.change(at.list, [change]))[0] === true;
    },

    retryAll(query) {
      const { retried = false, ...rest } = query;
      return changeAll(retried ? rest : { ...rest, retried: false }, retryOf);
    },

    async remove({ place }) {
      const { list, without } = entryPlace(place);
      return (await store.change(list, [{ ...without, to: 'nowhere' }]))[0] === true;
    },

    removeAll: (query) =>
      changeAll(query, ({ whole: { position, mark, of } }) => ({ position, mark, of, to: 'nowhere' })),

    clear: async (list) => store.clearFailed(failedList(list).name),

    async *export(query = {}) {
      for await (const { items } of all(query, 'tail')) for (const { bytes } of items) yield lineOf(bytes);
    },

    async import(lines, options = {}) {
      const list = failedList(options.list);
      let [count, number, text] = [0, 0, 0];
      const entries: (string | Buffer)[] = [];
      for await (const line of lines) {
        number++;
        if (line.trim() === '') continue;
        const entry = entryOfLine(line);
        if (entry === undefined) {
          count += await append(list, entries);
          throw new ConfigError(
            `Line ${number} is no failed entry: it must be a JSON object with a "payload", as client.failed.export() writes it; got ` +
              `${JSON.stringify(line.slice(0, 80))}. ${count} entries before it were added.`,
          );
        }
        entries.push(entry);
        text += line.length;
        if (entries.length < LINES_AT_ONCE && text < TEXT_AT_ONCE) continue;
        count += await append(list, entries);
        text = 0;
      }
      return count + (await append(list, entries));
    },
  };
}

const looksDeeper = ({ fingerprint, retried }: FailedQuery) => fingerprint !== undefined || retried === false;

/** What has to stand in an entry that fits, whoever wrote it. */
function textsOf(query: FailedQuery): string[] {
  const names = [query.class, query.queue, query.exception].flatMap(needleOf);
  return [...names, ...(query.text ? [query.text] : []), ...(query.retried ? ['"retried_at"'] : [])];
}

function whyNot({ entry, cut, bytes }: OpenEntry): string {
  if (cut) {
    return (
      `The failed job ${entry.class} names no queue, and its class has none that is known here: give createClient the job's definition, or ` +
      'enqueue it anew with client.enqueue.'
    );
  }
  const what = entry.payload === '' ? (isUtf8(bytes) ? entry.raw : 'bytes that are not UTF-8') : entry.payload;
  return (
    `The payload of this failed entry is no job, with a "class", so that it would only fail again: ${JSON.stringify(what.slice(0, 200))}. Mend ` +
    'whoever enqueued it, enqueue the job anew, and remove the entry.'
  );
}
