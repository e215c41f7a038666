import { defineScript } from '../redis-client.ts';

/**
 * When the earliest of each is due.
 *
 * KEYS  sorted sets
 * Returns the lowest score of each, '' where a set is empty.
 */
export const agenda = defineScript(
  'agenda',
  `
local first = {}
for i, key in ipairs(KEYS) do first[i] = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or '' end
return first
`,
);
