import { RedisTypeError } from '../../errors.ts';
import type { CronSlot } from '../../types.ts';
import { keysOf } from '../keys.ts';
import { promoteRetries } from '../scripts/promote.ts';
import { moveDelayed, removeRetry } from '../scripts/scheduled.ts';
import { list, type RedisClient, text } from './client.ts';

/** Where a delayed job goes. */
export type DelayedTarget =
  | { readonly to: 'nowhere' }
  | { readonly to: 'queue'; readonly queue: string }
  /** Epoch seconds. */
  | { readonly to: 'time'; readonly seconds: number };

/** One retry as it waits: member of the sorted set, due time (epoch ms), payload with its record. */
export interface WaitingRetry {
  readonly member: string;
  readonly at: number;
  readonly payload: string;
}

/** The part of the seam that looks at, and changes, what waits for its time. */
export interface ScheduledBroker {
  /** Due times from `from` on, epoch seconds, and how many jobs each has. */
  delayedTimes(from: number, limit: number): Promise<{ readonly seconds: number; readonly jobs: number }[]>;
  delayedAt(seconds: number, offset: number, limit: number): Promise<string[]>;
  /** @returns false if the job is not there any more */
  moveDelayed(seconds: number, payload: string, target: DelayedTarget): Promise<boolean>;

  retryCount(): Promise<number>;
  retries(offset: number, limit: number): Promise<WaitingRetry[]>;
  retryNow(member: string): Promise<boolean>;
  /** @param cron whose job it is, if that entry's jobs must not overlap */
  removeRetry(member: string, cron?: Pick<CronSlot, 'name' | 'slot'>): Promise<boolean>;
  /** @param at epoch ms */
  rescheduleRetry(member: string, at: number): Promise<boolean>;
}

export function redisScheduledBroker(client: RedisClient, namespace: string): ScheduledBroker {
  const keys = keysOf(namespace);
  return {
    async delayedTimes(from, limit) {
      const times = await client.command(['ZRANGEBYSCORE', keys.delayedSchedule, from, '+inf', 'LIMIT', 0, limit]);
      return Promise.all(
        list(times).map(async (time) => {
          const seconds = Number(text(time));
          return { seconds, jobs: Number(await client.command(['LLEN', keys.delayed(seconds)])) };
        }),
      );
    },

    async delayedAt(seconds, offset, limit) {
      return list(await client.command(['LRANGE', keys.delayed(seconds), offset, offset + limit - 1])).map(text);
    },

    async moveDelayed(seconds, payload, target) {
      const source = keys.delayed(seconds);
      const goal =
        target.to === 'queue' ? keys.queue(target.queue) : target.to === 'time' ? keys.delayed(target.seconds) : source;
      const how =
        target.to === 'queue'
          ? ['queue', target.queue]
          : target.to === 'time'
            ? ['delay', target.seconds, `delayed:${target.seconds}`]
            : ['remove'];
      const answer = await client.script(
        moveDelayed,
        [source, keys.delayedSchedule, keys.timestamps(payload), keys.queues, goal],
        [seconds, `delayed:${seconds}`, payload, ...how],
      );
      return answer === 1;
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
      return members.map((member, i) => ({ member, at: Number(found[2 * i + 1]), payload: text(payloads[i]) }));
    },

    async retryNow(member) {
      const queue = member.slice(member.indexOf(':') + 1);
      const scriptKeys = [keys.retry, keys.retryPayloads, keys.queues, keys.queue(queue)];
      const [moved, refused] = list(await client.script(promoteRetries, scriptKeys, ['', 1, queue, member, 1]));
      if (refused !== undefined) {
        throw new RedisTypeError(
          `The retry could not be moved: Redis at ${client.address} answered "${text(refused)}". It waits on.`,
        );
      }
      return moved === 1;
    },

    async removeRetry(member, cron) {
      const scriptKeys = [keys.retry, keys.retryPayloads, keys.cron.live];
      return (await client.script(removeRetry, scriptKeys, [member, cron?.name ?? '', cron?.slot ?? ''])) === 1;
    },

    async rescheduleRetry(member, at) {
      // CH counts a changed score; an equal one is there as well.
      const changed = await client.command(['ZADD', keys.retry, 'XX', 'CH', at, member]);
      return changed === 1 || (await client.command(['ZSCORE', keys.retry, member])) !== null;
    },
  };
}
