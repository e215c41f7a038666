import { defineScript } from '../redis/client.ts';

/**
 * Push payloads to their queues, as many as there are, in one step.
 *
 * KEYS  1 queues  then a queue for each run
 * ARGV  number of runs, then for each: queue name, number of payloads, the payloads
 * Returns the number of payloads pushed.
 */
export const enqueue = defineScript(
  'enqueue',
  `
-- A key of another type is found before anything is pushed.
for run = 1, tonumber(ARGV[1]) do redis.call('LLEN', KEYS[1 + run]) end
local at, pushed = 1, 0
for run = 1, tonumber(ARGV[1]) do
  local name, n = ARGV[at + 1], tonumber(ARGV[at + 2])
  at = at + 2
  redis.call('SADD', KEYS[1], name)
  for from = at + 1, at + n, 4000 do
    redis.call('RPUSH', KEYS[1 + run], unpack(ARGV, from, math.min(from + 3999, at + n)))
  end
  at, pushed = at + n, pushed + n
end
return pushed
`,
);

/**
 * Add payloads to the lists of their due times, as resque-scheduler does: the list, the index by payload, the schedule.
 *
 * KEYS  1 delayed_queue_schedule  then for each payload: delayed:<ts>, timestamps:<payload>
 * ARGV  for each payload: due time (epoch seconds), member of the index (delayed:<ts> without namespace; '' for a payload
 *       that is to have no index, whose second key is then not used), payload
 * Returns the number of payloads added.
 */
export const enqueueDelayed = defineScript(
  'enqueue-delayed',
  `
local n = #ARGV / 3
for i = 1, n do
  local ts, member, payload = ARGV[i * 3 - 2], ARGV[i * 3 - 1], ARGV[i * 3]
  redis.call('RPUSH', KEYS[i * 2], payload)
  if member ~= '' then redis.call('SADD', KEYS[i * 2 + 1], member) end
  redis.call('ZADD', KEYS[1], ts, ts)
end
return n
`,
);
