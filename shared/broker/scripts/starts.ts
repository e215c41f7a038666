import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** Payloads looked at in a queue, evenly spread: a burst of one class stands in a row. */
const SAMPLE = 32;
/** In a worker, about. */
const HELD_SAMPLE = 10;
/** Payloads are looked at until they had so many bytes, all together. */
const MOST_BYTES_READ = 2_097_152;
/** Of each payload. Its class stands at the beginning. */
export const MOST_BYTES_OF_EACH = 1_024;
/** Fields of `inflight:<worker>` that are no jobs: `call`, `lease`, `version`. */
const NO_JOBS = 3;

/**
 * Starts of consumers of which no worker has come yet, how long jobs take, and what waits and runs. Starts that were given
 * up are forgotten.
 *
 * KEYS  1 scheduler:starts:<system>  2 paces, then queues, then inflight:<worker>…
 * ARGV  time; number of queues in KEYS
 * Returns {members…, keys of another type {{key, error}…}, {class, µs of both kinds…}, beginnings of some payloads of
 *          each queue {…}, of each worker {jobs that it holds, beginnings of payloads…}}
 */
export const pendingStarts = defineScript(
  'pending-starts',
  `${NOW}${READ_ARGUMENTS}
local time, last, left = now(arg()), 2 + int(), ${MOST_BYTES_READ}
local function add(list, payload)
  left = left - #payload
  list[#list + 1] = string.sub(payload, 1, ${MOST_BYTES_OF_EACH})
end
try('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time))
local members, paces = try('ZRANGE', KEYS[1], 0, -1) or {}, try('HGETALL', KEYS[2]) or {}
local waiting, held = {}, {}
for i = 3, last do
  local list, length = {}, try('LLEN', KEYS[i]) or 0
  local some = math.min(length, ${SAMPLE})
  for place = 0, some - 1 do
    if left > 0 then add(list, call('LINDEX', KEYS[i], math.floor(place * length / some))) end
  end
  waiting[i - 2] = list
end
for i = last + 1, #KEYS do
  local list = {math.max(0, (try('HLEN', KEYS[i]) or 0) - ${NO_JOBS})}
  local fields = left > 0 and try('HSCAN', KEYS[i], 0, 'COUNT', ${HELD_SAMPLE}) or {0, {}}
  for at = 1, #fields[2], 2 do
    if string.find(fields[2][at], ':', 1, true) and left > 0 then add(list, fields[2][at + 1]) end
  end
  held[i - last] = list
end
return {members, wrongKeys(), paces, waiting, held}
`,
);

/**
 * Remember starts, before they are made.
 *
 * KEYS  1 scheduler:starts:<system>
 * ARGV  time; number of starts, each: member, after how many ms it is given up
 * Returns 1.
 */
export const addStarts = defineScript(
  'add-starts',
  `${NOW}${READ_ARGUMENTS}
local time, longest = now(arg()), 0
for _ = 1, int() do
  local member, ms = arg(), int()
  try('ZADD', KEYS[1], string.format('%.0f', time + ms), member)
  longest = math.max(longest, ms)
end
try('PEXPIRE', KEYS[1], longest)
return 1
`,
);
