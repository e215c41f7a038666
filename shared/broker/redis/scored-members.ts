import { list, type RedisClient, text } from './client.ts';
import { nameOf, numberOf } from './wrong-keys.ts';

export interface ScoredMember {
  readonly name: string;
  readonly score: number;
}

/** Members of a sorted set by score and name, from behind one that need not be there any more; those that have no name in text are left out. */
export async function scoredMembers(
  client: RedisClient,
  key: string,
  behind: ScoredMember | undefined,
  limit: number,
): Promise<ScoredMember[]> {
  const found: ScoredMember[] = [];
  // That one comes first.
  const count = behind ? limit + 1 : limit;
  for (let offset = 0; ; offset += count) {
    const range = ['ZRANGEBYSCORE', key, behind?.score ?? '-inf', '(+inf', 'WITHSCORES', 'LIMIT'];
    const flat = list(await client.command([...range, offset, count]));
    for (let i = 0; i + 1 < flat.length; i += 2) {
      const [name, score] = [nameOf(flat[i]), numberOf(text(flat[i + 1]))];
      if (name === undefined || (behind && score === behind.score && name <= behind.name)) continue;
      found.push({ name, score });
    }
    // A whole page of what comes before: many members with one score.
    if (found.length > 0 || flat.length < 2 * count) return found.slice(0, limit);
  }
}
