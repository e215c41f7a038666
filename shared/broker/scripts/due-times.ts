import { defineScript } from '../redis/client.ts';

/**
 * When the earliest of each is due.
 *
 * KEYS  1 the master lock of Ruby's resque-scheduler  then sorted sets
 * Returns 1 if Ruby's runs, else 0, then the lowest score of each set, '' where it is empty.
 */
export const agenda = defineScript(
  'agenda',
  `
local answer = {redis.call('EXISTS', KEYS[1])}
for i = 2, #KEYS do answer[i] = redis.call('ZRANGE', KEYS[i], 0, 0, 'WITHSCORES')[2] or '' end
return answer
`,
);
