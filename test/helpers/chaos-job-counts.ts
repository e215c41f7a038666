import type { TestRedis } from './redis-server.ts';

/** How many jobs are where, at one moment. */
export interface JobCounts {
  readonly queued: number;
  readonly inFlight: number;
  readonly retries: number;
  /** Due times of delayed jobs. */
  readonly delayed: number;
  /** Leases of workers, dead ones too until they are reclaimed. */
  readonly leases: number;
}

/** One script, so that no job moves on from what is still to be counted to what has been. KEYS: queues; ARGV: workers. */
const COUNT = `
local queued, held, retries = 0, 0, 0
local function ends(text, tail) return string.sub(text, -#tail) == tail end
for _, key in ipairs(KEYS) do queued = queued + redis.call('LLEN', key) end
for _, key in ipairs(redis.call('KEYS', 'resque:inflight:*')) do
  if string.find(key, ARGV[1], 1, true) then
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if string.find(field, '^!?%d+:') then held = held + 1 end
    end
  end
end
for _, member in ipairs(redis.call('ZRANGE', 'resque:retry', 0, -1)) do
  for _, key in ipairs(KEYS) do
    if ends(member, string.gsub(key, '^resque:queue', '')) then retries = retries + 1 end
  end
end
return {queued, held, retries, redis.call('ZCARD', 'resque:delayed_queue_schedule'), redis.call('ZCARD', 'resque:leases')}
`;

/** @param workers what stands in the ids of the workers that count. @default all */
export async function countJobs(
  redis: TestRedis['client'],
  queues: readonly string[],
  workers = '',
): Promise<JobCounts> {
  const keys = queues.map((queue) => `resque:queue:${queue}`);
  const counts = (await redis.call('EVAL', COUNT, keys.length, ...keys, workers)) as number[];
  const [queued = 0, inFlight = 0, retries = 0, delayed = 0, leases = 0] = counts;
  return { queued, inFlight, retries, delayed, leases };
}
