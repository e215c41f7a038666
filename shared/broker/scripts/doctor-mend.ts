import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';
import { NOW } from '../redis/time.ts';

/*
 * Each of these looks again before it changes something: what was found may have been right, only in the middle of being
 * written.
 */

/**
 * Queues that `queues` does not know, though they have jobs.
 *
 * KEYS  1 queues, then the queues
 * ARGV  their names
 * Returns how many were mended.
 */
export const mendQueues = defineScript(
  'mend-queues',
  `
local mended = 0
for i, name in ipairs(ARGV) do
  local length = redis.pcall('LLEN', KEYS[1 + i])
  if type(length) == 'number' and length > 0 then mended = mended + redis.call('SADD', KEYS[1], name) end
end
return mended
`,
);

/**
 * Due times and lists of delayed jobs that are without each other: a list gets its time, a time without list goes.
 *
 * KEYS  1 delayed_queue_schedule, then delayed:<ts>…
 * ARGV  ts…
 * Returns how many were mended.
 */
export const mendDelayed = defineScript(
  'mend-delayed',
  `
local mended = 0
for i, ts in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[1 + i]) == 0 then
    mended = mended + redis.call('ZREM', KEYS[1], ts)
  else
    mended = mended + redis.call('ZADD', KEYS[1], 'NX', ts, ts)
  end
end
return mended
`,
);

/**
 * Lists of delayed jobs that an index of payloads names, and that are not there.
 *
 * KEYS  timestamps:<payload>, delayed:<ts>, …
 * ARGV  for each pair the member: delayed:<ts> without namespace
 * Returns how many were mended.
 */
export const mendIndexes = defineScript(
  'mend-indexes',
  `
local mended = 0
for i, member in ipairs(ARGV) do
  if redis.call('EXISTS', KEYS[2 * i]) == 0 then mended = mended + redis.call('SREM', KEYS[2 * i - 1], member) end
end
return mended
`,
);

/**
 * Retries without payload go; payloads without retry get one, due now.
 *
 * KEYS  1 retry  2 retry:payloads
 * ARGV  members
 * Returns how many were mended.
 */
export const mendRetries = defineScript(
  'mend-retries',
  `${NOW}
local mended, time = 0, now('')
for _, member in ipairs(ARGV) do
  if redis.call('HEXISTS', KEYS[2], member) == 0 then
    mended = mended + redis.call('ZREM', KEYS[1], member)
  else
    mended = mended + redis.call('ZADD', KEYS[1], 'NX', string.format('%.0f', time), member)
  end
end
return mended
`,
);

/**
 * Leases of workers that have no in-flight record, and serial queues that such workers hold. A worker without its record has
 * lost its lease.
 *
 * KEYS  1 leases  2 serial, then inflight:<worker>…
 * ARGV  number of workers, their ids; pairs of queue and worker
 * Returns how many were mended.
 */
export const mendLeases = defineScript(
  'mend-leases',
  `${READ_ARGUMENTS}
local mended, count, gone = 0, int(), {}
for i = 1, count do
  local worker = arg()
  if call('EXISTS', KEYS[2 + i]) == 0 then
    gone[worker] = true
    mended = mended + (try('ZREM', KEYS[1], worker) or 0)
  end
end
while at < #ARGV do
  local queue, worker = arg(), arg()
  if gone[worker] and try('HGET', KEYS[2], queue) == worker then
    call('HSET', KEYS[2], queue, '')
    mended = mended + 1
  end
end
return mended
`,
);

/**
 * Records of workers that are not registered.
 *
 * KEYS  1 workers  2 leases  3 workers:heartbeat, then for each worker its four keys
 * ARGV  ids of the workers
 * Returns how many were mended.
 */
export const mendRecords = defineScript(
  'mend-records',
  `${READ_ARGUMENTS}
local mended = 0
for i, worker in ipairs(ARGV) do
  if try('SISMEMBER', KEYS[1], worker) == 0 and not try('ZSCORE', KEYS[2], worker) then
    local first = 4 * i
    local removed = call('DEL', KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3])
    removed = removed + (try('HDEL', KEYS[3], worker) or 0)
    if removed > 0 then mended = mended + 1 end
  end
end
return mended
`,
);
