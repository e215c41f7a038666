import { defineScript } from '../redis-client.ts';

/**
 * What is there: names and totals.
 *
 * KEYS  1 queues  2 delayed_queue_schedule  3 leases  4 retry  5 failed  6 pause-all-workers
 * ARGV  now (epoch ms), most due times to answer
 * Returns {names of queues, first due times of delayed jobs (epoch s), number of due times, ids of workers whose leases
 *         run, number of retries, length of the failed list, 1 if workers are paused, else 0}
 */
export const roster = defineScript(
  'roster',
  `
return {
  redis.call('SMEMBERS', KEYS[1]),
  redis.call('ZRANGE', KEYS[2], 0, ARGV[2] - 1),
  redis.call('ZCARD', KEYS[2]),
  redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[1], '+inf'),
  redis.call('ZCARD', KEYS[4]),
  redis.call('LLEN', KEYS[5]),
  redis.call('GET', KEYS[6]) == 'true' and 1 or 0,
}
`,
);

/**
 * How long lists are, and what stands first in the queues. A key of another type counts as empty.
 *
 * KEYS  queues, then lists of delayed jobs
 * ARGV  number of queues, most bytes of a payload: of a longer one its last bytes are answered
 * Returns {{length, first payload or ''}… for each queue, length of all other lists together}
 */
export const depths = defineScript(
  'depths',
  `
local queues, most, answer, others = tonumber(ARGV[1]), tonumber(ARGV[2]), {}, 0
for i, key in ipairs(KEYS) do
  local length = redis.pcall('LLEN', key)
  if type(length) == 'table' then length = 0 end
  if i > queues then
    others = others + length
  else
    local first = length > 0 and redis.call('LINDEX', key, 0) or ''
    answer[i] = {length, #first > most and string.sub(first, -most) or first}
  end
end
answer[#answer + 1] = others
return answer
`,
);
