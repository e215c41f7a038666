import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { RedisTypeError } from '../../errors.ts';
import type { DelayedMove, Reclaimed, SchedulerBroker } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { promoteDelayed, promoteRetries, readFirst } from '../scripts/promote.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { readDueTimes } from './due-times.ts';
import { reclaimWorker } from './reclaim.ts';
import { type TimeSource, timedScripts } from './time.ts';

/** Due times that are looked at together. */
const LISTS_AT_ONCE = 50;

/**
 * What a tick needs, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 */
export function redisSchedulerBroker(client: RedisClient, namespace: string, time?: TimeSource): SchedulerBroker {
  const keys = keysOf(namespace);

  return {
    async reclaim(limit) {
      const now = time?.() || Date.now();
      const ended = await client.command(['ZRANGEBYSCORE', keys.leases, '-inf', now, 'LIMIT', 0, limit]);
      const reclaimed: Reclaimed[] = [];
      // Each puts its jobs before those that are there: the one that died first goes last, to come first.
      for (const worker of list(ended).map(text).reverse()) {
        const one = await reclaimWorker(client, timedScripts(client, time), keys, worker);
        if (one) reclaimed.push(one);
      }
      return reclaimed;
    },

    async promoteRetries(now, limit) {
      const due = await client.command(['ZRANGEBYSCORE', keys.retry, '-inf', now, 'LIMIT', 0, limit]);
      const members = list(due).map(text);
      if (members.length === 0) return { moved: 0, refused: [] };
      const queueOf = (member: string) => member.slice(member.indexOf(':') + 1);
      const names = [...new Set(members.map(queueOf))];
      const place = new Map(names.map((name, i) => [name, i + 1]));
      const answer = await client.script(
        promoteRetries,
        [keys.retry, keys.retryPayloads, keys.queues, ...names.map(keys.queue)],
        [now, names.length, ...names, ...members.flatMap((member) => [member, place.get(queueOf(member)) ?? 0])],
      );
      const [moved, ...refused] = list(answer);
      return { moved: Number(moved), refused: refused.map(text) };
    },

    async dueDelayed(now, limit, bytes) {
      const due = await client.command([
        'ZRANGEBYSCORE',
        keys.delayedSchedule,
        '-inf',
        Math.floor(now / 1000),
        'LIMIT',
        0,
        LISTS_AT_ONCE,
      ]);
      const times = list(due).map(text);
      if (times.length === 0) return [];
      const read = async (some: readonly string[]) =>
        list(await client.script(readFirst, some.map(keys.delayed), [limit, bytes]));
      const found = await read(times).catch((error) => {
        // One key of another type must not hold up the times before it.
        if (!(error instanceof RedisTypeError)) throw error;
        return read(times.slice(0, 1));
      });
      return found.map((payloads, i) => ({ time: times[i] ?? '', payloads: list(payloads) as readonly Buffer[] }));
    },

    async promoteDelayed(lists) {
      const moves = lists.flatMap((one) => one.moves);
      const names = [...new Set(moves.flatMap((move) => (move.to === 'queue' ? [move.queue] : [])))];
      const indexOf = new Map(names.map((name, i) => [name, i + 1]));
      const indexKeys: string[] = [];
      const args: Argument[] = [names.length, ...names, lists.length];
      for (const { time, moves: own } of lists) {
        args.push(time, `delayed:${time}`, own.length);
        for (const move of own) {
          // What is not UTF-8 was not written by a program that keeps the index.
          const indexed = isUtf8(move.bytes);
          if (indexed) indexKeys.push(keys.timestamps(move.bytes.toString('utf8')));
          const sha = createHash('sha1').update(move.bytes).digest('hex');
          args.push(sha, indexed ? 1 : 0, ...destination(move, indexOf));
        }
      }
      const answer = await client.script(
        promoteDelayed,
        [
          keys.delayedSchedule,
          keys.queues,
          keys.failed,
          ...names.map(keys.queue),
          ...lists.map(({ time }) => keys.delayed(time)),
          ...indexKeys,
        ],
        args,
      );
      const [queued, failed, refused] = list(answer);
      return { queued: Number(queued), failed: Number(failed), refused: text(refused) || undefined };
    },

    agenda: () => readDueTimes(client, namespace),
  };
}

function destination(move: DelayedMove, indexOf: ReadonlyMap<string, number>): Argument[] {
  switch (move.to) {
    case 'queue':
      return ['q', indexOf.get(move.queue) ?? 0];
    case 'failed':
      return ['f', move.head, move.tail];
    case 'buried':
      return ['b', move.entry];
  }
}
