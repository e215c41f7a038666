import { defineScript } from '../redis/client.ts';

/**
 * What is there: names, totals, how long lists are and what stands first in the queues. Which lists, the caller has to
 * know before: a script may touch no key that it was not given. A list of another type counts as empty.
 *
 * KEYS  1 queues  2 delayed_queue_schedule  3 leases  4 retry  5 failed  6 pause-all-workers, then queues, then lists of
 *       delayed jobs
 * ARGV  now (epoch ms); most due times to answer; number of queues in KEYS; most bytes of a payload: of a longer one its
 *       last bytes are answered
 * Returns {names of all queues, first due times of delayed jobs (epoch s), number of due times, ids of workers whose leases
 *         run, number of retries, length of the failed list, 1 if workers are paused, else 0,
 *         {{length, first payload or ''}… of the queues given}, {length… of the other lists given}}
 */
export const survey = defineScript(
  'survey',
  `
local last, most, queues, others = 6 + ARGV[3], tonumber(ARGV[4]), {}, {}
for i = 7, #KEYS do
  local length = redis.pcall('LLEN', KEYS[i])
  if type(length) == 'table' then length = 0 end
  if i > last then
    others[i - last] = length
  else
    local first = length > 0 and redis.call('LINDEX', KEYS[i], 0) or ''
    queues[i - 6] = {length, #first > most and string.sub(first, -most) or first}
  end
end
return {
  redis.call('SMEMBERS', KEYS[1]),
  redis.call('ZRANGE', KEYS[2], 0, ARGV[2] - 1),
  redis.call('ZCARD', KEYS[2]),
  redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[1], '+inf'),
  redis.call('ZCARD', KEYS[4]),
  redis.call('LLEN', KEYS[5]),
  redis.call('GET', KEYS[6]) == 'true' and 1 or 0,
  queues,
  others,
}
`,
);
