import { defineScript } from '../redis-client.ts';

/**
 * Take the right to tick, or extend it.
 *
 * KEYS  1 scheduler:lease
 * ARGV  who asks; how long it holds, ms
 * Returns 1 if it holds now, 0 while another's does.
 */
export const holdScheduler = defineScript(
  'hold-scheduler',
  `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
);

/**
 * Give the right to tick up.
 *
 * KEYS  1 scheduler:lease
 * ARGV  who had it
 * Returns 1, or 0 if another has it by now.
 */
export const releaseScheduler = defineScript(
  'release-scheduler',
  `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`,
);
