import type { DueTimes, Reclaimed, SchedulerBroker, WrongKey } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { dueTimes } from '../scripts/due-times.ts';
import { promoteRetries } from '../scripts/promote-retries.ts';
import { readSnapshot } from '../scripts/snapshot.ts';
import { list, type RedisClient, text } from './client.ts';
import { CronReader, cronStateKeys } from './cron-state.ts';
import { delayedOf } from './delayed.ts';
import { dueTimesArguments, dueTimesKeys, dueTimesOf, readDue } from './due-times.ts';
import { tellLostStepsOf } from './lost-steps.ts';
import { openGatesOf } from './open-gates.ts';
import { reclaimWorker } from './reclaim.ts';
import { type TimeSource, timedScripts, timeOf } from './time.ts';
import { shown, wrongKeysOf } from './wrong-keys.ts';

/** Of retries in one call. */
const MOST_BYTES = 1_048_576;

/** A retry that ends in a worker's queue. */
const RETRY = /^[^:]*:([\s\S]+)$/;

/**
 * What a tick needs, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 * @param reader what was read of cron entries before
 */
export function redisSchedulerBroker(
  client: RedisClient,
  namespace: string,
  time?: TimeSource,
  reader = new CronReader(),
): SchedulerBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);

  /** Without a list of leases, one may have ended. */
  const known = (due: DueTimes): DueTimes => (isWrong(due.wrong, keys.leases) ? { ...due, leaseEnd: due.now } : due);

  async function ourWorkers(): Promise<string[]> {
    const ids = list(await client.command(['SMEMBERS', keys.workers]).catch(() => null)).map(text);
    return ids.filter((id) => id.startsWith('lambdesque-'));
  }

  return {
    ...delayedOf(client, script, keys),
    ...openGatesOf(client, script, keys),
    tellLostSteps: tellLostStepsOf(client, script, keys, time),

    async dueTimes(after) {
      return known(dueTimesOf(await script(dueTimes, dueTimesKeys(keys), dueTimesArguments(after))));
    },

    async snapshot() {
      const scriptKeys = [...dueTimesKeys(keys), ...cronStateKeys(keys)];
      const look = reader.look(keys);
      const [due, cron] = list(await script(readSnapshot, scriptKeys, [...dueTimesArguments(), ...look.arguments]));
      return { due: known(dueTimesOf(due)), cron: look.stateOf(cron) };
    },

    async reclaim(limit, passed = 0) {
      const due = await readDue(script, keys.leases, { unit: 1, passed, limit });
      const reclaimed: Reclaimed[] = [];
      const names = due.members.map(({ name }) => name);
      // Where there is no list of leases, each worker's own record has its end too.
      if (isWrong(due.wrong, keys.leases)) names.push(...(await ourWorkers()));
      for (const name of names) {
        const one = await reclaimWorker(client, script, keys, name, () => timeOf(client, time));
        if (one) reclaimed.push(one);
      }
      for (let i = 0; i < due.unusable; i++) {
        reclaimed.push({ worker: '', jobs: 0, failed: 0, each: [], wrong: due.wrong, passedOver: true });
      }
      return reclaimed;
    },

    async promoteRetries(limit, passed = 0) {
      const due = await readDue(script, keys.retry, { unit: 1, passed, limit });
      const wrong: WrongKey[] = [...due.wrong];
      const call = new ScriptCall([keys.retry, keys.retryPayloads, keys.queues]);
      call.add(0, MOST_BYTES);
      let count = 0;
      for (const { name } of due.members) {
        const queue = RETRY.exec(name)?.[1];
        if (queue === undefined) {
          if (wrong.length === 0) wrong.push({ key: keys.retry, error: `its member ${shown(name)} names no queue` });
        } else {
          call.add(name, call.key(keys.queue(queue)), queue);
          count++;
        }
      }
      const nameless = due.unusable + due.members.length - count;
      const { more } = due;
      if (count === 0) return { moved: 0, earliest: undefined, passedOver: nameless, more, wrong };
      const [moved, stay, left, problems] = list(await script(promoteRetries, call.keys, call.args));
      return {
        moved: Number(moved),
        earliest: Number(moved) > 0 ? due.members[0]?.score : undefined,
        passedOver: nameless + Number(stay),
        more: more || Number(left) > 0,
        wrong: [...wrong, ...wrongKeysOf(problems)],
      };
    },
  };
}

function isWrong(keys: readonly WrongKey[], key: string): boolean {
  return keys.some((one) => one.key === key);
}
