import type { Redis } from 'ioredis';

/** What somebody may have made of a key. */
const makers = {
  string: (db: Redis, key: string) => db.set(key, 'no number'),
  'fraction in a string': (db: Redis, key: string) => db.set(key, '1.5'),
  list: (db: Redis, key: string) => db.rpush(key, 'item'),
  set: (db: Redis, key: string) => db.sadd(key, 'member'),
  'sorted set': (db: Redis, key: string) => db.zadd(key, 1, 'member'),
  hash: (db: Redis, key: string) => db.hset(key, 'field', 'value'),
  stream: (db: Redis, key: string) => db.xadd(key, '*', 'field', 'value'),
} as const;
export type Kind = keyof typeof makers;
const KINDS = Object.keys(makers) as Kind[];

/** All kinds but that which the key should have. */
export function wrongKindsOf(right: 'string' | 'counter' | 'list' | 'set' | 'sorted set' | 'hash'): Kind[] {
  if (right === 'string') return KINDS.filter((kind) => !kind.includes('string'));
  if (right === 'counter') return KINDS;
  return KINDS.filter((kind) => kind !== right && kind !== 'fraction in a string');
}

/** Puts something else in place of a key. @returns what puts back what was there */
export async function spoil(db: Redis, key: string, kind: Kind): Promise<() => Promise<void>> {
  const before = await db.dumpBuffer(key);
  await db.del(key);
  await makers[kind](db, key);
  return async () => {
    await db.del(key);
    if (before) await db.restore(key, 0, before);
  };
}
