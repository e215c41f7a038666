import type { Redis } from 'ioredis';

/** The one clock, epoch ms: a test that needs the time asks for it, and does not trust its own date. */
export async function serverTime(db: Redis): Promise<number> {
  const [seconds, micros] = await db.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
