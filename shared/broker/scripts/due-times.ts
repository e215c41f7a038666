import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** No master lock of resque-scheduler lives longer, ms; it is extended every few seconds, and ends within minutes. */
const LONGEST_LOCK = 86_400_000;

/**
 * Lua, behind READ_ARGUMENTS: `dueTimes(place, time)`, of the six keys from that place of KEYS on; it reads four
 * arguments, the times up to which each sorted set was looked through, ms, or ''.
 */
export const DUE_TIMES = `
-- A lock is a text that expires. Anything else under its name is nobody's, and would stop the delayed jobs for good.
local function rubyRuns(lock)
  local ttl = call('PTTL', lock)
  if ttl == -2 then return 0 end
  local kind = call('TYPE', lock)
  kind = kind.ok or kind
  if kind ~= 'string' then
    wrong[lock] = 'it is a ' .. kind .. ', not the text of a lock'
  elseif ttl < 0 or ttl > ${LONGEST_LOCK} then
    wrong[lock] = 'a lock that does not expire is none of resque-scheduler'
  else
    return 1
  end
  return 0
end
local function firstDue(name, after)
  local found
  if after == '' then
    found = try('ZRANGE', name, 0, 0, 'WITHSCORES')
  else
    found = try('ZRANGEBYSCORE', name, '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  end
  return found and found[2] or ''
end
local function dueTimes(place, time)
  local leases, retry, delayed, parked = arg(), arg(), arg(), arg()
  if delayed ~= '' then delayed = string.format('%.3f', delayed / 1000) end
  return {time, rubyRuns(KEYS[place]), firstDue(KEYS[place + 1], leases), firstDue(KEYS[place + 2], retry),
    firstDue(KEYS[place + 3], delayed), wrongKeys(), firstDue(KEYS[place + 4], parked),
    try('EXISTS', KEYS[place + 5]) or 0}
end
`;

/**
 * When the earliest of each is due.
 *
 * KEYS  1 the master lock of Ruby's resque-scheduler  2 leases  3 retry  4 delayed_queue_schedule  5 parked
 *       6 flows:lost
 * ARGV  time; for each sorted set: '', or the time (epoch ms) up to which its members do not count
 * Returns {the time (epoch ms), 1 if Ruby's runs, else 0, the lowest score of each set, '' where there is none, keys that
 *         are not what they should be {{key, problem}…}, the lowest score of the last set, 1 if there are lost steps, else 0}.
 */
export const dueTimes = defineScript('due-times', `${NOW}${READ_ARGUMENTS}${DUE_TIMES}return dueTimes(1, now(arg()))`);

/**
 * The members of a sorted set that are due, in order.
 *
 * KEYS  1 a sorted set, scored by due times
 * ARGV  time; milliseconds in a unit of the scores; how many of the first to pass over; most members
 * Returns {member, score…}, keys that are not what they should be {{key, problem}…}.
 */
export const listDue = defineScript(
  'list-due',
  `${NOW}${READ_ARGUMENTS}
local time, unit, passed, most = now(arg()), int(), int(), int()
local latest = string.format('%.3f', time / unit)
local due = try('ZRANGEBYSCORE', KEYS[1], '-inf', latest, 'WITHSCORES', 'LIMIT', passed, most)
return {due or {}, wrongKeys()}
`,
);
