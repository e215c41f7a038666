import type { TickSnapshot } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { acquireLock, releaseLock } from '../scripts/scheduler-lock.ts';
import { list, type RedisClient } from './client.ts';
import { CronReader, cronStateKeys } from './cron-state.ts';
import { dueTimesArguments, dueTimesKeys, dueTimesOf } from './due-times.ts';
import { type TimeSource, timedScripts } from './time.ts';

/** The right to tick and to start workers, one for each system: two ticks at once could start workers for the same backlog. */
export interface LockBroker {
  /**
   * Take the lock, or extend it.
   * @param ms how long it holds
   * @returns what the tick looks at first, read in the same step; undefined while another holds it
   */
  acquire(holder: string, ms: number): Promise<TickSnapshot | undefined>;
  release(holder: string): Promise<void>;
}

/**
 * The scheduler's lock on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param system whose consumers the scheduler starts; others have a lock of their own
 * @param time of a test @default Redis's own
 * @param reader what was read of cron entries before
 */
export function redisLockBroker(
  client: RedisClient,
  namespace: string,
  system: string,
  time?: TimeSource,
  reader = new CronReader(),
): LockBroker {
  const keys = keysOf(namespace);
  const lock = keys.schedulerLease(system);
  const script = timedScripts(client, time);
  return {
    async acquire(holder, ms) {
      const scriptKeys = [lock, ...dueTimesKeys(keys), ...cronStateKeys(keys)];
      const look = reader.look(keys);
      const args = [holder, Math.ceil(ms), ...dueTimesArguments(), ...look.arguments];
      const [held, due, cron] = list(await script(acquireLock, scriptKeys, args));
      return held === 1 ? { due: dueTimesOf(due), cron: look.stateOf(cron) } : undefined;
    },

    async release(holder) {
      await client.script(releaseLock, [lock], [holder]);
    },
  };
}
