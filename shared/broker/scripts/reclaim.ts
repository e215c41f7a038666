import { CUT } from '../../wire/attempts.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/** What the script answers instead of a count. */
export const STILL_LEASED = -1;
export const OTHER_QUEUES = -2;

/**
 * Give a dead worker's jobs back to the heads of their queues, in the order in which it took them, each with one more
 * attempt and one more death in its record; then forget the worker. Jobs that it cannot have started go back as they
 * are, and so does a payload that does not open like an object: no handler can run it.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 workers  4 workers:heartbeat  5 worker:<worker>  6 worker:<worker>:started
 *       7 stat:processed:<worker>  8 stat:failed:<worker>  9 queues  then the queues that ARGV names
 * ARGV  time, worker id, its token (first part of the ids of its jobs), queue names
 * Returns {number of jobs given back, a key that did not take its own or '', Redis's words}: those stay, with the lease;
 *         or STILL_LEASED if the lease has not ended (or another call reclaimed it);
 *         OTHER_QUEUES if it holds jobs of queues that ARGV does not name: read the names again.
 */
export const reclaim = defineScript(
  'reclaim',
  `${NOW}${CUT}
local now, worker, token = now(ARGV[1]), ARGV[2], ARGV[3]
local lease = redis.call('ZSCORE', KEYS[2], worker)
if not lease or tonumber(lease) > now then return ${STILL_LEASED} end

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then
  redis.call('ZADD', KEYS[2], now + 60000, worker)
  return {0, KEYS[1], 'it is a ' .. kind .. ', not a hash'}
end
redis.call('HDEL', KEYS[1], '') -- removes nothing; opens the script with a write that a full Redis allows
local keyOf, started, refused, given = {}, tonumber(redis.call('HGET', KEYS[1], 'started') or '') or -1, '', 0
for i = 4, #ARGV do keyOf[ARGV[i]] = KEYS[9 + i - 3] end
local jobs, held = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  local seq, queue = string.match(held[i], '^(%d+):(.*)$')
  if seq then
    if not keyOf[queue] then return ${OTHER_QUEUES} end
    jobs[#jobs + 1] = {tonumber(seq), queue, held[i + 1], held[i]}
  end
end
table.sort(jobs, function(x, y) return x[1] > y[1] end)
for _, job in ipairs(jobs) do
  local payload = job[3]
  local head, rest, id, attempts, deaths = cut(payload)
  if head and job[1] <= started then
    payload = head .. '"lambdesque":{"id":"' .. (id or token .. '-' .. string.format('%d', job[1])) .. '","attempts":'
      .. (attempts or 0) + 1 .. ',"deaths":' .. (deaths or 0) + 1 .. '},' .. rest
  end
  local pushed = redis.pcall('LPUSH', keyOf[job[2]], payload)
  if type(pushed) == 'table' then
    refused = {keyOf[job[2]], pushed.err}
  else
    redis.call('HDEL', KEYS[1], job[4])
    redis.pcall('SADD', KEYS[9], job[2])
    given = given + 1
  end
end
if refused ~= '' then
  -- Another try in a minute. Its worker, should it still live, has lost the lease.
  redis.call('HDEL', KEYS[1], 'call')
  redis.call('ZADD', KEYS[2], now + 60000, worker)
else
  redis.call('DEL', KEYS[1], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
  redis.call('ZREM', KEYS[2], worker)
  redis.pcall('SREM', KEYS[3], worker)
  redis.pcall('HDEL', KEYS[4], worker)
end
return refused == '' and {given, '', ''} or {given, refused[1], refused[2]}
`,
);
