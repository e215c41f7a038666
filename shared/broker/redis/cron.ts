import { RedisTypeError } from '../../errors.ts';
import { cronLockName } from '../../job/unique.ts';
import { type ClaimResult, type CronBroker, type CronPast, type CronStatus, MOST_PAST } from '../cron-broker.ts';
import { type Keys, keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import {
  changeCron,
  changeMarks,
  claimSlots,
  readCron,
  resumeCron,
  SLOT_EARLY,
  SLOT_ENQUEUED,
  SLOT_OVERLAPS,
  SLOT_TAKEN,
} from '../scripts/cron.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { freeLostLocks } from './cron-lost.ts';
import { CronReader, cronStateKeys, fieldsOf } from './cron-state.ts';
import { redisError } from './errors.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/**
 * The cron entries' part of the seam, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 * @param reader what was read before
 */
export function redisCronBroker(
  client: RedisClient,
  namespace: string,
  time?: TimeSource,
  reader = new CronReader(),
): CronBroker {
  const keys = keysOf(namespace);
  const { cron } = keys;
  const script = timedScripts(client, time);

  /** @returns what `changeCron` returns, or the key that it could not use */
  async function change(name: string, json: string): Promise<number | { key: string; error: string }> {
    const answer = await client.script(changeCron, changeKeys(keys, name), [name, json]);
    if (typeof answer === 'number') return answer;
    const [key, error] = list(answer).map(text);
    return { key: key ?? '', error: error ?? '' };
  }

  return {
    async read() {
      const look = reader.look(keys, 'all');
      return look.stateOf(await script(readCron, cronStateKeys(keys), look.arguments));
    },

    async note(changes) {
      for (const hash of ['last', 'since', 'paused'] as const) {
        const args = (changes[hash] ?? []).flatMap(({ field, from, to }) => [field, from, to]);
        if (args.length > 0) await client.script(changeMarks, [cron[hash]], args);
      }
    },

    async claim(slots) {
      const first = [cron.last, cron.status, keys.queues, keys.rubyScheduler, cron.lastEnqueued];
      const call = new ScriptCall(first);
      for (const { name, slot, queue, payload, lock, jobId, dynamic } of slots) {
        call.add(name, slot, payload, call.key(keys.queue(queue)), queue, JSON.stringify(jobId));
        call.add(lock ? call.key(keys.unique(lock.name)) : 0, lock?.ms ?? 0, jobId);
        call.add(dynamic ? 1 : 0);
      }
      const [claims, wrong] = list(await script(claimSlots, call.keys, call.args));
      return { claims: list(claims).map((one) => claimResult(one, client.address)), wrong: wrongKeysOf(wrong) };
    },

    freeLost: async (names, now) => (names.length === 0 ? [] : freeLostLocks(client, keys, names, now)),

    async setStatus(name, status) {
      try {
        const known = statusOf(text((await client.command(['HGET', cron.status, name])) ?? undefined));
        const before = known && status.slot !== undefined ? pastOf(known, status.slot) : known?.before;
        const written = { ...status, ...(before === undefined ? {} : { before }) };
        await client.command(['HSET', cron.status, name, JSON.stringify(written)]);
        return [];
      } catch (error) {
        // What happened to an entry is only shown.
        if (error instanceof RedisTypeError) return [{ key: cron.status, error: error.message }];
        throw error;
      }
    },

    async statuses() {
      const found = new Map<string, CronStatus>();
      for (const [name, json] of fieldsOf(await client.command(['HGETALL', cron.status])).named) {
        const status = statusOf(json);
        if (status) found.set(name, status);
      }
      return found;
    },

    async change(name, json) {
      const answer = await change(name, json ?? '');
      if (typeof answer === 'number') return answer === 1;
      throw new RedisTypeError(
        `The cron entry ${JSON.stringify(name)} was not changed: Redis's key ${answer.key} cannot be used, since ` +
          `${answer.error}. Look at it with TYPE, then RENAME or DEL it.`,
      );
    },

    async forget(name) {
      const answer = await change(name, '-');
      return typeof answer === 'number' ? [] : [answer];
    },

    async pause(name) {
      await client.command(['HSET', cron.paused, name, '']);
    },

    async resume(name) {
      await script(resumeCron, [cron.paused, cron.version], [name]);
    },
  };
}

/** In the order in which the script takes them. */
function changeKeys({ cron, unique }: Keys, name: string): string[] {
  const lock = unique(cronLockName(name));
  const hashes = [cron.status, cron.paused, cron.lastEnqueued, cron.since];
  return [cron.schedules, cron.changed, cron.last, lock, ...hashes, cron.version];
}

function claimResult(reply: Reply, address: string): ClaimResult {
  switch (reply) {
    case SLOT_TAKEN:
      return 'taken';
    case SLOT_ENQUEUED:
      return 'enqueued';
    case SLOT_OVERLAPS:
      return 'overlaps';
    case SLOT_EARLY:
      return 'early';
    default:
      return { error: redisError(Object.assign(new Error(text(reply)), { name: 'ReplyError' }), address) };
  }
}

/** What was, once another slot has its outcome; an error that each tick meets again is one. */
function pastOf({ outcome, at, slot, before = [] }: CronStatus, next: number): readonly CronPast[] {
  if (slot === undefined || slot === next) return before;
  return [{ outcome, at, slot }, ...before].slice(0, MOST_PAST);
}

/** Somebody else may have written there. */
function statusOf(json: string): CronStatus | undefined {
  try {
    const value = JSON.parse(json) as Partial<CronStatus> | null;
    return typeof value?.outcome === 'string' && typeof value.at === 'number' ? (value as CronStatus) : undefined;
  } catch {
    return undefined;
  }
}
