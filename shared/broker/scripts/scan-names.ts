import { defineScript } from '../redis/client.ts';

/**
 * Names of keys. Only for a cluster, where SCAN by itself would ask any node: this one is that of the namespace.
 *
 * KEYS  1 any key of the namespace
 * ARGV  cursor; pattern; how many to look at
 * Returns {cursor, names…}
 */
export const scanNames = defineScript(
  'scan-names',
  `
local found = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
return {found[1], found[2]}
`,
);
