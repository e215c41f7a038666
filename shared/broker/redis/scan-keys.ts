import { scanNames } from '../scripts/scan-names.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/**
 * Some of the keys that begin so.
 * @param cursor '0' to begin  @param count keys that are looked at, about  @returns with the cursor of the next ones, '0' at the end
 */
export async function scanKeys(
  client: RedisClient,
  prefix: string,
  cursor: string,
  count: number,
): Promise<{ readonly found: readonly Reply[]; readonly cursor: string }> {
  const pattern = `${prefix.replace(/[*?[\]^\\]/g, '\\$&')}*`;
  // In a cluster, any of its nodes would be asked.
  const reply = client.cluster
    ? client.script(scanNames, [prefix], [cursor, pattern, count])
    : client.command(['SCAN', cursor, 'MATCH', pattern, 'COUNT', count]);
  const [next, found] = list(await reply);
  return { found: list(found), cursor: text(next) };
}
