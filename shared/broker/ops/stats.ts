import type { RunStats, RunSums } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { ScriptCall } from './call.ts';
import { countTime, countWait, type RunTimes, timesText } from './run-times.ts';

/**
 * Statistics: a hash for each day and each minute, `["<queue>","<class>"]` → `<succeeded> <failed> <retried> <discarded>
 * <handlers' time, µs> <waiting time, ms> <of how many>`. Names come from strangers, so that their number and length are
 * bounded.
 */

/** Queue and class of what exceeds the bounds. */
const OTHER = '(other)';
/** Class of a payload that names none. */
export const UNKNOWN = '(unknown)';
/** Fields of one hash. */
export const MOST_PAIRS = { day: 500, minute: 300 } as const;
/** Pairs of queue and class in one call. */
const MOST_IN_CALL = 100;
/** Characters of a name. */
export const LONGEST_NAME = 80;

export const DAY_MS = 86_400_000;
export const MINUTE_MS = 60_000;
/** How many are kept, the current one included. */
export const DAYS_KEPT = 90;
export const MINUTES_KEPT = 180;
/** Seconds after which the hash of a minute, or a day, expires. */
const MINUTE_KEPT_SECONDS = (MINUTES_KEPT * MINUTE_MS) / 1000 + 300;
const DAY_KEPT_SECONDS = ((DAYS_KEPT + 1) * DAY_MS) / 1000;
/** Only those of the current day are read. */
const TIMES_KEPT_SECONDS = (2 * DAY_MS) / 1000;
/** A worker's idea of Redis's time is that good, ms: the hash that Redis means is among the keys. */
const TOLERANCE_MS = 30_000;

const OUTCOMES = ['succeeded', 'failed', 'retried', 'discarded'] as const satisfies RunStats['outcome'][];

interface Pair {
  readonly place: number;
  readonly field: string;
  readonly queue: string;
  readonly class: string | undefined;
  succeeded: number;
  discarded: number;
  micros: number;
  waitMs: number;
  waited: number;
  readonly times: RunTimes;
}

/** What a sync settles, summed up by queue and class: the script needs one field for each pair, not one for each job. */
export class StatSums {
  readonly #pairs: Pair[] = [];
  /** By queue and class; by field, which is the same for names that begin alike. */
  readonly #known = new Map<string, Map<string | undefined, Pair>>();
  readonly #byField = new Map<string, Pair>();
  #last: Pair | undefined;

  /** @param sums of jobs that are only done */
  constructor(sums: readonly RunSums[] = []) {
    for (const { queue, class: name, succeeded, discarded, ms, waitMs, waited, times } of sums) {
      const pair = this.#pairOf(queue, name);
      pair.succeeded += succeeded;
      pair.discarded += discarded;
      pair.micros += ms * 1000;
      pair.waitMs += waitMs;
      pair.waited += waited;
      times.forEach((count, i) => {
        pair.times[i] = (pair.times[i] ?? 0) + count;
      });
    }
  }

  /** Any other: it counts only if it is carried out. @returns what the script is told of it */
  one(queue: string, { class: name, outcome, ms, wait }: RunStats): string {
    const { place } = this.#pairOf(queue, name);
    const times: RunTimes = [];
    countTime(times, ms);
    if (wait !== undefined) countWait(times, wait);
    const text = `${place} ${OUTCOMES.indexOf(outcome) + 1} ${whole(ms * 1000)} ${wait === undefined ? '' : whole(wait)}`;
    return `${text} ${timesText(times)}`;
  }

  /** @param now Redis's time as far as it is known; without it nothing is counted */
  encode(call: ScriptCall, keys: Keys, now: number | undefined): void {
    if (now === undefined || this.#pairs.length === 0) {
      call.add(0);
      return;
    }
    call.add(this.#pairs.length);
    encodeStatKeys(call, keys, now);
    encodeTimesKeys(call, keys, now);
    for (const { field, queue, succeeded, discarded, micros, waitMs, waited, times } of this.#pairs) {
      call.add(field, queue, `${succeeded} 0 0 ${discarded} ${whole(micros)} ${whole(waitMs)} ${waited}`);
      call.add(timesText(times));
    }
  }

  #pairOf(queue: string, name: string | undefined): Pair {
    const last = this.#last;
    if (last && last.queue === queue && last.class === name) return last;
    const pair = this.#known.get(queue)?.get(name) ?? this.#note(queue, name);
    this.#last = pair;
    return pair;
  }

  #note(queue: string, name: string | undefined): Pair {
    const field = this.#pairs.length < MOST_IN_CALL ? fieldOf(queue, name) : fieldOf(OTHER, OTHER);
    let pair = this.#byField.get(field);
    if (!pair) {
      const place = this.#pairs.length + 1;
      pair = {
        place,
        field,
        queue,
        class: name,
        succeeded: 0,
        discarded: 0,
        micros: 0,
        waitMs: 0,
        waited: 0,
        times: [],
      };
      this.#pairs.push(pair);
      this.#byField.set(field, pair);
    }
    const classes = this.#known.get(queue) ?? new Map<string | undefined, Pair>();
    this.#known.set(queue, classes.set(name, pair));
    return pair;
  }
}

/** The hashes to which a script may have to add: that of its time is among them, unless `now` is far off. */
export function encodeStatKeys(call: ScriptCall, keys: Keys, now: number): void {
  encodeHashes(call, MINUTE_MS, keys.stats.minute, now);
  encodeHashes(call, DAY_MS, keys.stats.day, now);
}

/** What `addStats` needs besides. */
export function encodeTimesKeys(call: ScriptCall, keys: Keys, now: number): void {
  encodeHashes(call, DAY_MS, keys.stats.times, now);
}

function encodeHashes(call: ScriptCall, unit: number, nameOf: (time: number) => string, now: number): void {
  const first = Math.floor((now - TOLERANCE_MS) / unit);
  const last = Math.floor((now + TOLERANCE_MS) / unit);
  call.add(first, last - first + 1);
  for (let i = first; i <= last; i++) call.add(call.key(nameOf(i * unit)));
}

export function fieldOf(queue: string, className: string | undefined): string {
  return JSON.stringify([short(queue), className === undefined ? UNKNOWN : short(className)]);
}

/** A name as the statistics have it: not too long, and text that every reader takes. */
export function short(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME).toWellFormed()}…` : name.toWellFormed();
}

function whole(value: number): string {
  return Math.max(0, Math.round(value)).toFixed(0);
}

/**
 * Lua, behind READ_ARGUMENTS. `count(run)` is told of a settlement that was carried out; `shortOf[queue]` is how many of
 * its jobs that were only done were not held. `addStats(time, isReplay)` adds to the hashes of the time what was counted;
 * `addToMinute` and `addToDay` add sums to a hash, `statHash` reads which one.
 *
 * ARGV  number of pairs of queue and class, and if there are any: number of the first minute, how many, places of their
 *       keys; the same of days; of days' buckets; then each pair: its field, its queue, sums of its jobs that are only done,
 *       their buckets
 */
export const STATS = `
local counted, shortOf, timesOf = {}, {}, {}
local function count(run)
  local pair, outcome, micros, wait, times = string.match(run, '^(%d+) (%d) (%d+) (%d*) (.*)$')
  if not pair then return end
  pair, outcome = tonumber(pair), tonumber(outcome)
  local sums = counted[pair] or {0, 0, 0, 0, 0, 0, 0}
  counted[pair] = sums
  sums[outcome], sums[5] = sums[outcome] + 1, sums[5] + tonumber(micros)
  if wait ~= '' then sums[6], sums[7] = sums[6] + tonumber(wait), sums[7] + 1 end
  timesOf[pair] = (timesOf[pair] or '') .. times
end
local function addSums(sums, text)
  local a, b, c, d, e, f, g = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  if not a then return end
  sums[1], sums[2], sums[3], sums[4] = sums[1] + a, sums[2] + b, sums[3] + c, sums[4] + d
  sums[5], sums[6], sums[7] = sums[5] + e, sums[6] + f, sums[7] + g
end
local function textOf(sums)
  return string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f', unpack(sums))
end
local function together(text, other)
  if not other then return text end
  local sums = {0, 0, 0, 0, 0, 0, 0}
  addSums(sums, text)
  addSums(sums, other)
  return textOf(sums)
end
local function addToHash(name, fields, texts, most, seconds)
  local known = try('HMGET', name, unpack(fields))
  if not known then return end
  local entries, other, length, isNew, rest, placed = {}, '["${OTHER}","${OTHER}"]', nil, false, nil, {}
  for i, field in ipairs(fields) do
    local old = known[i]
    if not old then
      length = length or call('HLEN', name)
      isNew = isNew or length == 0
      length = length + 1
    end
    if field ~= other and (old or length <= most) then
      entries[#entries + 1], entries[#entries + 2] = field, together(texts[i], old)
      placed[i] = field
    else
      placed[i] = other
      rest = rest or {0, 0, 0, 0, 0, 0, 0}
      addSums(rest, texts[i])
    end
  end
  if rest then
    entries[#entries + 1], entries[#entries + 2] = other, together(textOf(rest), call('HGET', name, other))
  end
  try('HSET', name, unpack(entries))
  if isNew then try('EXPIRE', name, seconds) end
  return placed
end
local function addToMinute(name, fields, texts)
  addToHash(name, fields, texts, ${MOST_PAIRS.minute}, ${MINUTE_KEPT_SECONDS})
end
local function addToDay(name, fields, texts)
  return addToHash(name, fields, texts, ${MOST_PAIRS.day}, ${DAY_KEPT_SECONDS})
end
-- A bucket of a pair that has none yet is rare, and may be the first of the day.
local function addToTimes(name, placed, buckets)
  for i, field in ipairs(placed or {}) do
    for bucket, count in string.gmatch(buckets[i], '(%d+)=(%d+)') do
      local sum = try('HINCRBY', name, bucket .. ' ' .. field, count)
      if not sum then return end
      if sum == tonumber(count) then try('EXPIRE', name, ${TIMES_KEPT_SECONDS}) end
    end
  end
end
local function statHash(time, unit)
  local first, keys = int(), {}
  for i = 1, int() do keys[i] = key() end
  return keys[math.max(1, math.min(#keys, math.floor(time / unit) - first + 1))]
end
local function addStats(time, isReplay)
  local number = int()
  if number == 0 then return end
  local minute, day, times = statHash(time, ${MINUTE_MS}), statHash(time, ${DAY_MS}), statHash(time, ${DAY_MS})
  local fields, texts, buckets = {}, {}, {}
  for i = 1, number do
    local field, queue, text, own = arg(), arg(), arg(), counted[i]
    -- Which of them were not held is not known: nearly always there are none.
    local short = shortOf[queue] and math.min(shortOf[queue], tonumber(string.match(text, '^%d+'))) or 0
    if own or short > 0 then
      own = own or {0, 0, 0, 0, 0, 0, 0}
      addSums(own, text)
      if short > 0 then own[1], shortOf[queue] = own[1] - short, shortOf[queue] - short end
      text = textOf(own)
    end
    fields[i], texts[i], buckets[i] = field, text, arg() .. (timesOf[i] or '')
  end
  if isReplay then return end
  addToMinute(minute, fields, texts)
  addToTimes(times, addToDay(day, fields, texts), buckets)
end
`;
