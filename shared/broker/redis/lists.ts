import { RedisTypeError } from '../../errors.ts';
import { charactersOf } from '../element-digest.ts';
import type { Keys } from '../keys.ts';
import type {
  Between,
  ElementChange,
  ElementRef,
  FoundElement,
  ListName,
  ListSearch,
  ListsBroker,
  SearchResult,
} from '../lists.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeEffects } from '../ops/operation.ts';
import { CHANGED, changeElements, GONE } from '../scripts/list-change.ts';
import { ANCHORS, locatePlace, MOVED, NEAR, readElement, SURE, searchLists } from '../scripts/list-search.ts';
import { type Argument, list, type RedisClient, type Reply, text } from './client.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** Bytes of what is found in one call; one element is found even if it is larger. */
const MOST_FOUND = 4_194_304;
/** Elements looked at in one call that looks for one of them, and bytes read. */
const LOOKED_AT = 10_000;
const READ = 8_388_608;
/** So many may have been pushed to the head of a queue since its element was seen there: jobs that workers gave back. */
const PUSHED = 10_000;
/** Elements in one part of a list in which a place is looked for. */
const PART = 4_000;
/** The end of the year 9999: behind it texts are no longer in the order of times. Epoch ms. */
const LAST_TIME = 253_402_300_799_999;
/** Changes in one call, and bytes of their texts. */
const CHANGES_AT_ONCE = 500;
const TEXT_AT_ONCE = 1_048_576;

/** @param script that knows the time */
export function redisLists(client: RedisClient, script: RedisClient['script'], keys: Keys): ListsBroker {
  const keyOf = ({ kind, name }: ListName) =>
    ({
      queue: keys.queue,
      failed: keys.failedList,
      delayed: keys.delayed,
      parked: keys.parkedAt,
    })[kind](name);

  async function search(lists: readonly ListName[], options: ListSearch): Promise<SearchResult> {
    const answer = await searchFrom(lists, options, options.from);
    if (answer) return answer;
    const from = await locate(lists[0] as ListName, options, options.from as Between);
    const found = await searchFrom(lists, options, { position: from, passed: [], next: [] });
    return found as SearchResult;
  }

  /** @returns undefined if the place is not to be found nearby */
  async function searchFrom(
    lists: readonly ListName[],
    options: ListSearch,
    from: Between | undefined,
  ): Promise<SearchResult | undefined> {
    const { towards, texts, since, until, most, bytes, limit } = options;
    const args: Argument[] = [towards === 'tail' ? 1 : -1, from?.position ?? '', ...anchorsOf(from)];
    args.push(most, bytes, limit, MOST_FOUND, texts.length, ...texts, rubyTime(since, 0), rubyTime(until, 999));
    const reply = list(await client.script(searchLists, lists.map(keyOf), args));
    const [l, position, scanned, found, passed, next, length, wrong] = reply;
    if (l === MOVED) return undefined;
    const ended = l === lists.length;
    return {
      found: foundOf(list(found), lists),
      scanned: Number(scanned),
      length: Number(length),
      end: ended
        ? undefined
        : { list: Number(l), position: Number(position), passed: list(passed).map(text), next: list(next).map(text) },
      wrong: wrongKeysOf(wrong),
    };
  }

  /**
   * Looks through the list, from where the place was towards the head, then the rest.
   * @returns the position that fits best
   */
  async function locate(name: ListName, { towards }: ListSearch, from: Between): Promise<number> {
    const { position } = from;
    const step = towards === 'tail' ? 1 : -1;
    // Neighbouring parts have some elements in common, so that no place is cut in two.
    const overlap = 2 * ANCHORS;
    const sure = Math.min(SURE, from.passed.length + from.next.length);
    let best: { readonly score: number; readonly position: number } = { score: 0, position: -1 };
    let length = position + 1;
    /** @returns whether it was found */
    const look = async (first: number, last: number): Promise<boolean> => {
      for (let start = first; start <= last; ) {
        const args = [step, position, start, last, READ, ...anchorsOf(from)];
        const reply = list(await client.script(locatePlace, [keyOf(name)], args)).map(Number);
        const [now = 0, score = 0, at = -1, upto = 0] = reply;
        length = now;
        if (score > best.score) best = { score, position: at };
        if (best.score >= sure) return true;
        if (upto <= start || upto > last || upto >= length) return false;
        start = Math.max(start + 1, upto - overlap);
      }
      return false;
    };
    const top = position - NEAR + overlap;
    for (let last = top; last >= 0; last -= PART) {
      if (await look(Math.max(0, last - PART - overlap), last)) return best.position;
    }
    for (let first = Math.max(0, position + NEAR - overlap); first < length; first += PART) {
      if (await look(first, first + PART + overlap)) return best.position;
    }
    if (best.score > 0) return best.position;
    // All that came before it has left a queue at its head.
    return towards === 'tail' ? 0 : Math.min(position, length - 1);
  }

  async function change(name: ListName, changes: readonly ElementChange[], length = -1): Promise<boolean[]> {
    const done = changes.map(() => false);
    let open = changes.map((one, place) => ({ one, place, from: one.position, further: name.kind !== 'queue' }));
    while (open.length > 0) {
      const some = portion(open);
      const rest = open.slice(some.length);
      const call = new ScriptCall([keyOf(name), keys.queues]);
      call.add(LOOKED_AT, READ, length);
      for (const { one, from } of some) addChange(call, keys, one, from);
      const [states, wrong] = list(await script(changeElements, call.keys, call.args));
      const [refused] = wrongKeysOf(wrong);
      if (refused) {
        throw new RedisTypeError(
          `It could not be done: Redis at ${client.address} answered ${JSON.stringify(refused.error)} for the key ` +
            `${refused.key}. What it is about stays where it was.`,
        );
      }
      const left: typeof open = [];
      for (const [i, state] of list(states).entries()) {
        const item = some[i];
        if (item === undefined) continue;
        if (state === CHANGED) done[item.place] = true;
        else if (Number(state) > GONE) left.push({ ...item, from: Number(state) });
        else if (state === GONE && !item.further)
          left.push({ ...item, from: item.one.position + PUSHED, further: true });
      }
      open = [...left, ...rest];
    }
    return done;
  }

  async function read(
    name: ListName,
    { position, mark, of, without = '' }: ElementRef,
  ): Promise<FoundElement | undefined> {
    const starts = name.kind === 'queue' ? [position, position + PUSHED] : [position];
    for (const start of starts) {
      for (let from = start; from >= 0; ) {
        const args = [from, mark, of, without, LOOKED_AT, READ];
        const [at, bytes] = list(await client.script(readElement, [keyOf(name)], args));
        if (Buffer.isBuffer(bytes)) return { list: name, position: Number(at), bytes };
        from = Number(at);
      }
    }
    return undefined;
  }

  return { search, read, change };
}

function anchorsOf(from: Between | undefined): Argument[] {
  const { passed = [], next = [] } = from ?? {};
  return [passed.length, ...passed, next.length, ...next];
}

function foundOf(flat: readonly Reply[], lists: readonly ListName[]): FoundElement[] {
  const found: FoundElement[] = [];
  for (let i = 0; i + 2 < flat.length; i += 3) {
    const name = lists[Number(flat[i])];
    const bytes = flat[i + 2];
    if (name && Buffer.isBuffer(bytes)) found.push({ list: name, position: Number(flat[i + 1]), bytes });
  }
  return found;
}

/** As failed entries have it, in whole seconds and without a zone. @param more milliseconds later */
function rubyTime(date: Date | undefined, more: number): string {
  if (date === undefined) return '';
  const time = new Date(Math.min(date.getTime() + more, LAST_TIME));
  return time.toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
}

function addChange(call: ScriptCall, keys: Keys, change: ElementChange, from: number): void {
  call.add(from, change.position, change.mark, change.of, change.without ?? '');
  if (change.to === 'nowhere') {
    call.add('remove');
    encodeEffects(change.effects ?? [], call, keys);
  } else if (change.to === 'head') {
    call.add('head');
  } else if (change.to === 'start') {
    call.add(
      'start',
      call.key(keys.queue(change.queue)),
      change.queue,
      change.prefix,
      call.key(keys.limit(change.gate)),
    );
  } else {
    const { payload, replaced, before, behind } = change.cut;
    call.add('retry', call.key(keys.queue(change.queue)), change.queue);
    if (Buffer.isBuffer(payload)) call.add(0, 0, charactersOf(payload));
    else call.add(payload.start + 1, payload.end, '');
    call.add(replaced.start + 1, replaced.end, before, behind);
    encodeEffects(change.effects ?? [], call, keys);
  }
}

/** The first of them, as many as go into one call. */
function portion<Item extends { readonly one: ElementChange }>(open: readonly Item[]): readonly Item[] {
  let bytes = 0;
  const end = open.findIndex(({ one }, i) => {
    if (one.to === 'queue' && Buffer.isBuffer(one.cut.payload)) bytes += one.cut.payload.length;
    return i > 0 && (i >= CHANGES_AT_ONCE || bytes > TEXT_AT_ONCE);
  });
  return end === -1 ? open : open.slice(0, end);
}
