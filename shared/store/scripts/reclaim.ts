import { defineScript } from '../redis-client.ts';
import { CUT } from './attempts.ts';

/** What the script answers instead of a count. */
export const STILL_LEASED = -1;
export const OTHER_QUEUES = -2;

/**
 * Give a dead worker's jobs back to the heads of their queues, in the order in which it took them, each with one more
 * attempt and one more death in its record; then forget the worker. A payload that does not open like an object goes
 * back as it is: no handler can run it.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 workers  4 workers:heartbeat  5 worker:<worker>  6 worker:<worker>:started
 *       7 stat:processed:<worker>  8 stat:failed:<worker>  9 queues  then the queues that ARGV names
 * ARGV  now (epoch ms), worker id, its token (first part of the ids of its jobs), queue names
 * Returns the number of jobs given back; STILL_LEASED if the lease has not ended (or another call reclaimed it);
 *         OTHER_QUEUES if it holds jobs of queues that ARGV does not name: read the names again.
 */
export const reclaim = defineScript(
  'reclaim',
  `${CUT}
local now, worker, token = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local lease = redis.call('ZSCORE', KEYS[2], worker)
if not lease or tonumber(lease) > now then return ${STILL_LEASED} end

local keyOf = {}
for i = 4, #ARGV do keyOf[ARGV[i]] = KEYS[9 + i - 3] end
local jobs, held = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  local seq, queue = string.match(held[i], '^(%d+):(.*)$')
  if seq then
    if not keyOf[queue] then return ${OTHER_QUEUES} end
    jobs[#jobs + 1] = {tonumber(seq), queue, held[i + 1]}
  end
end
table.sort(jobs, function(x, y) return x[1] > y[1] end)
for _, job in ipairs(jobs) do
  local payload = job[3]
  local head, rest, id, attempts, deaths = cut(payload)
  if head then
    payload = head .. '"lambdesque":{"id":"' .. (id or token .. '-' .. string.format('%d', job[1])) .. '","attempts":'
      .. (attempts or 0) + 1 .. ',"deaths":' .. (deaths or 0) + 1 .. '},' .. rest
  end
  redis.call('LPUSH', keyOf[job[2]], payload)
  redis.call('SADD', KEYS[9], job[2])
end
redis.call('DEL', KEYS[1], KEYS[5], KEYS[6], KEYS[7], KEYS[8])
redis.call('ZREM', KEYS[2], worker)
redis.call('SREM', KEYS[3], worker)
redis.call('HDEL', KEYS[4], worker)
return #jobs
`,
);
