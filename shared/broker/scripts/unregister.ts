import { defineScript } from '../redis/client.ts';

/**
 * A worker's end. While it still holds jobs its lease stays, so that they are reclaimed when it has run out.
 *
 * KEYS  1 inflight:<worker>  2 leases  3 workers  4 workers:heartbeat  5 worker:<worker>  6 worker:<worker>:started
 *       7 stat:processed:<worker>  8 stat:failed:<worker>
 * ARGV  worker id
 * Returns how many jobs it still holds.
 */
export const leave = defineScript(
  'leave',
  `
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[5], KEYS[6], KEYS[7], KEYS[8])
local held = redis.call('HLEN', KEYS[1]) - redis.call('HEXISTS', KEYS[1], 'call') - redis.call('HEXISTS', KEYS[1], 'started')
if held > 0 then return held end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 0
`,
);
