import { READ_ARGUMENTS } from '../ops/call.ts';
import { defineScript } from '../redis/client.ts';

/**
 * Read hashes of the statistics.
 *
 * KEYS  the hashes
 * Returns {{field, value…}… of each, keys of another type {{key, error}…}}.
 */
export const readStatHashes = defineScript(
  'read-stat-hashes',
  `${READ_ARGUMENTS}
local hashes = {}
for i, name in ipairs(KEYS) do hashes[i] = try('HGETALL', name) or {} end
return {hashes, wrongKeys()}
`,
);
