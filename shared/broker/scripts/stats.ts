import { LONGEST_LEASE } from '../keys.ts';
import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/**
 * Lua, behind READ_ARGUMENTS: `queueStates(from, to, most, bytes)` → {length, first payload or ''} of each of these KEYS.
 * Of a payload of more than `most` bytes its last bytes; once `bytes` were read, no further payload.
 */
const QUEUE_STATES = `
local function lengthOf(key) return try('LLEN', key) or 0 end
local function queueStates(from, to, most, bytes)
  local states = {}
  for i = from, to do
    local length, first = lengthOf(KEYS[i]), ''
    if length > 0 and bytes > 0 then
      first = call('LINDEX', KEYS[i], 0)
      bytes = bytes - #first
      if #first > most then first = string.sub(first, -most) end
    end
    states[#states + 1] = {length, first}
  end
  return states
end
`;

/**
 * Lua: `noteSizes(key, time, states)` writes down the lengths once a minute, whoever is first.
 * ARGV  minute of the key, '' for no note; seconds until it expires; number of queues, their names in JSON: the first ones
 */
const NOTE_SIZES = `
local function noteSizes(key, time, states)
  local minute, seconds, parts = tonumber(arg()), int(), {string.format('[%.0f', time)}
  for i = 1, int() do parts[#parts + 1] = arg() .. ',' .. string.format('%.0f', states[i][1]) end
  if math.floor(time / 60000) ~= minute then return end
  try('SET', key, table.concat(parts, ',') .. ']', 'EX', seconds, 'NX')
end
`;

/**
 * What is there: names, totals, how long lists are and what stands first in the queues. Which lists, the caller has to
 * know before: a script may touch no key that it was not given. A key of another type counts as empty.
 *
 * KEYS  1 queues  2 delayed_queue_schedule  3 leases  4 retry  5 failed  6 pause-all-workers  7 queues:paused
 *       8 stats:sizes:<…>  9 parked, then queues, then lists of delayed jobs
 * ARGV  time; most due times to answer; number of queues in KEYS; most bytes of a payload to answer; most bytes of
 *       payloads to read (one is read even if it is larger); what `noteSizes` needs
 * Returns {the time (epoch ms), names of all queues, first due times of delayed jobs (epoch s), number of due times,
 *         ids of workers whose leases run, number of retries, length of the failed list, 1 if workers are paused, else 0,
 *         {{length, first payload or ''}… of the queues given}, {length… of the other lists given},
 *         keys that are not what they should be {{key, problem}…}, names of paused queues, number of gates with parked jobs}
 */
export const queueStats = defineScript(
  'queue-stats',
  `${NOW}${READ_ARGUMENTS}${QUEUE_STATES}${NOTE_SIZES}
local time, most, queues = now(arg()), int(), int()
local last, others = 9 + queues, {}
local states = queueStates(10, last, int(), int())
noteSizes(KEYS[8], time, states)
for i = last + 1, #KEYS do others[i - last] = lengthOf(KEYS[i]) end
local function ms(value) return string.format('%.0f', value) end
return {
  time,
  try('SMEMBERS', KEYS[1]) or {},
  try('ZRANGE', KEYS[2], 0, most - 1) or {},
  try('ZCARD', KEYS[2]) or 0,
  try('ZRANGEBYSCORE', KEYS[3], '(' .. ms(time), ms(time + ${LONGEST_LEASE})) or {},
  try('ZCARD', KEYS[4]) or 0,
  lengthOf(KEYS[5]),
  try('GET', KEYS[6]) == 'true' and 1 or 0,
  states,
  others,
  wrongKeys(),
  try('SMEMBERS', KEYS[7]) or {},
  try('ZCARD', KEYS[9]) or 0,
}
`,
);

/**
 * The lengths of further queues, where there are too many for one call.
 *
 * KEYS  queues
 * ARGV  most bytes of a payload to answer; most bytes of payloads to read
 * Returns {{{length, first payload or ''}…}, keys that are not what they should be {{key, problem}…}}
 */
export const moreQueueStats = defineScript(
  'more-queue-stats',
  `${READ_ARGUMENTS}${QUEUE_STATES}
return {queueStates(1, #KEYS, int(), int()), wrongKeys()}
`,
);
