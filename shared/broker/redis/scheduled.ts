import { RedisTypeError } from '../../errors.ts';
import type { Effect } from '../../types.ts';
import { keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeEffects } from '../ops/operation.ts';
import { readDelayed } from '../scripts/promote-delayed.ts';
import { promoteRetries } from '../scripts/promote-retries.ts';
import { listLengths, moveDelayed, removeRetry, retimeRetry } from '../scripts/scheduled.ts';
import { list, type RedisClient, text } from './client.ts';
import { scoredMembers } from './scored-members.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { numberOf, wrongKeysOf } from './wrong-keys.ts';

/** Where a delayed job goes. */
type DelayedTarget =
  | { readonly to: 'nowhere' }
  | { readonly to: 'queue'; readonly queue: string }
  /** Epoch seconds. */
  | { readonly to: 'time'; readonly seconds: number };

/** One retry as it waits: member of the sorted set, due time (epoch ms), payload with its record. */
interface WaitingRetry {
  readonly member: string;
  readonly at: number;
  readonly payload: string;
}

/** A due time of delayed jobs. */
export interface DelayedTime {
  /** As the schedule has it: the end of its list's key. */
  readonly name: string;
  /** Epoch seconds. */
  readonly score: number;
}

/** The part of the seam that looks at, and changes, what waits for its time. */
export interface ScheduledBroker {
  /** How many delayed jobs there are, at all due times. */
  delayedCount(): Promise<number>;
  /** The first due times, or those behind one. */
  delayedTimes(behind: DelayedTime | undefined, limit: number): Promise<DelayedTime[]>;
  /**
   * The payloads of the first of these lists, up to a limit; fewer where they are large.
   * @param offset how many of the first list to pass over
   */
  delayedAt(times: readonly DelayedTime[], offset: number, limit: number): Promise<string[][]>;
  /** @returns false if the job is not there any more */
  moveDelayed(time: string, payload: string, target: DelayedTarget, effects?: readonly Effect[]): Promise<boolean>;

  retryCount(): Promise<number>;
  retries(offset: number, limit: number): Promise<WaitingRetry[]>;
  retryNow(member: string): Promise<boolean>;
  removeRetry(member: string, effects?: readonly Effect[]): Promise<boolean>;
  /** @param at epoch ms */
  rescheduleRetry(member: string, at: number, effects?: readonly Effect[]): Promise<boolean>;
}

/** Lists counted in one call. */
const LISTS_AT_ONCE = 5_000;
/** Of payloads read in one call. */
const BYTES_AT_ONCE = 4_194_304;

/**
 * What waits for its time, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisScheduledBroker(client: RedisClient, namespace: string, time?: TimeSource): ScheduledBroker {
  const keys = keysOf(namespace);
  const script = timedScripts(client, time);

  const delayedTimes = (behind: DelayedTime | undefined, limit: number) =>
    scoredMembers(client, keys.delayedSchedule, behind, limit);

  return {
    delayedTimes,

    async delayedCount() {
      let count = 0;
      let behind: DelayedTime | undefined;
      for (;;) {
        const times = await delayedTimes(behind, LISTS_AT_ONCE);
        if (times.length === 0) return count;
        const names = times.map(({ name }) => keys.delayed(name));
        for (const length of list(await client.script(listLengths, names, []))) count += Number(length);
        behind = times.at(-1);
      }
    },

    async delayedAt(times, offset, limit) {
      const names = times.map(({ name }) => keys.delayed(name));
      const passed = times.map((_, i) => (i === 0 ? offset : 0));
      const found = list(await client.script(readDelayed, names, [limit, BYTES_AT_ONCE, ...passed]));
      return found.map((reply) => (Array.isArray(reply) ? reply.map(text) : []));
    },

    async moveDelayed(time, payload, target, effects = []) {
      const source = keys.delayed(time);
      const goal =
        target.to === 'queue' ? keys.queue(target.queue) : target.to === 'time' ? keys.delayed(target.seconds) : source;
      const how =
        target.to === 'queue'
          ? ['queue', target.queue]
          : target.to === 'time'
            ? ['delay', target.seconds, `delayed:${target.seconds}`]
            : ['remove'];
      const call = new ScriptCall([]);
      // One of them may be the same as another.
      call.keys.push(source, keys.delayedSchedule, keys.timestamps(payload), keys.queues, goal);
      call.add(time, `delayed:${time}`, payload, ...how);
      encodeEffects(effects, call, keys);
      return (await script(moveDelayed, call.keys, call.args)) === 1;
    },

    async retryCount() {
      return Number(await client.command(['ZCARD', keys.retry]));
    },

    async retries(offset, limit) {
      const found = list(await client.command(['ZRANGE', keys.retry, offset, offset + limit - 1, 'WITHSCORES'])).map(
        text,
      );
      const members = found.filter((_, i) => i % 2 === 0);
      if (members.length === 0) return [];
      const payloads = list(await client.command(['HMGET', keys.retryPayloads, ...members]));
      return members.map((member, i) => ({ member, at: numberOf(found[2 * i + 1] ?? ''), payload: text(payloads[i]) }));
    },

    async retryNow(member) {
      const queue = member.slice(member.indexOf(':') + 1);
      const scriptKeys = [keys.retry, keys.retryPayloads, keys.queues, keys.queue(queue)];
      const [moved, , , wrong] = list(await script(promoteRetries, scriptKeys, [1, 1, member, 4, queue]));
      const [refused] = wrongKeysOf(wrong);
      if (refused && moved !== 1) {
        throw new RedisTypeError(
          `The retry could not be moved: Redis at ${client.address} answered ${JSON.stringify(refused.error)} for the key ` +
            `${refused.key}. It waits on.`,
        );
      }
      return moved === 1;
    },

    async removeRetry(member, effects = []) {
      const call = new ScriptCall([keys.retry, keys.retryPayloads]);
      call.add(member);
      encodeEffects(effects, call, keys);
      return (await script(removeRetry, call.keys, call.args)) === 1;
    },

    async rescheduleRetry(member, at, effects = []) {
      const call = new ScriptCall([keys.retry]);
      call.add(member, at);
      encodeEffects(effects, call, keys);
      return (await script(retimeRetry, call.keys, call.args)) === 1;
    },
  };
}
