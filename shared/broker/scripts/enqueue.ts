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
-- A key of another type is found before anything is pushed.
redis.call('ZCARD', KEYS[1])
local n, from = #ARGV / 3, 1
while from <= n do
  local ts, payloads, to = ARGV[from * 3 - 2], {}, from
  while to <= n and to < from + 4000 and ARGV[to * 3 - 2] == ts do
    payloads[#payloads + 1], to = ARGV[to * 3], to + 1
  end
  redis.call('RPUSH', KEYS[from * 2], unpack(payloads))
  redis.call('ZADD', KEYS[1], ts, ts)
  for i = from, to - 1 do
    local member = ARGV[i * 3 - 1]
    if member ~= '' then redis.call('SADD', KEYS[i * 2 + 1], member) end
  end
  from = to
end
return n
`,
);
