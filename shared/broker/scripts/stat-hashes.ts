import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/**
 * Read hashes of the statistics.
 *
 * KEYS  the hashes
 * Returns {fields and values of each, a line each: one text takes a fraction of the time that a thousand do;
 *         keys of another type {{key, error}…}}.
 */
export const readStatHashes = defineScript(
  'read-stat-hashes',
  `${READ_ARGUMENTS}
local hashes = {}
for i, name in ipairs(KEYS) do hashes[i] = table.concat(try('HGETALL', name) or {}, '\\n') end
return {hashes, wrongKeys()}
`,
);
