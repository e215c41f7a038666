import type { Redis } from 'ioredis';

/** Everything in a Redis as it is now. @returns what brings that back, at once: a Redis that has lost its writes since */
export async function snapshot(db: Redis): Promise<() => Promise<void>> {
  const keys = await db.keysBuffer('*');
  const values = await Promise.all(keys.map((key) => db.dumpBuffer(key)));
  return async () => {
    const restore = db.multi().flushdb();
    for (const [i, key] of keys.entries()) {
      const value = values[i];
      if (value) restore.restore(key, 0, value);
    }
    await restore.exec();
  };
}
