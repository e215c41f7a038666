import { RedisReplyError } from '../../errors.ts';
import type { WorkerBroker } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { enqueue, enqueueDelayed } from '../scripts/enqueue.ts';
import { leave } from '../scripts/unregister.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { syncOf } from './sync.ts';

/**
 * A delayed payload of more bytes has no index: its key would hold the whole payload, and Upstash refuses keys over 32 KB.
 * resque-scheduler's `remove_delayed` does not find it then; all else goes by the delayed list.
 */
export const MOST_INDEXED_BYTES = 30_000;

/**
 * What a worker and a client need, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 */
export function redisWorkerBroker(client: RedisClient, namespace: string): WorkerBroker {
  const keys = keysOf(namespace);

  return {
    address: client.address,
    sync: syncOf(client, keys),

    async leave(worker) {
      return Number(await client.script(leave, keys.ofWorker(worker), [worker]));
    },

    async enqueue(jobs) {
      if (jobs.length === 0) return;
      const byQueue = Map.groupBy(jobs, (job) => job.queue);
      const args: Argument[] = [byQueue.size];
      for (const [queue, run] of byQueue) {
        args.push(queue, run.length);
        for (const job of run) args.push(job.payload);
      }
      await client.script(enqueue, [keys.queues, ...[...byQueue.keys()].map(keys.queue)], args);
    },

    async enqueueDelayed(jobs) {
      if (jobs.length === 0) return;
      const scriptKeys = [keys.delayedSchedule];
      const args: Argument[] = [];
      for (const { seconds, payload } of jobs) {
        const list = keys.delayed(seconds);
        const indexed = Buffer.byteLength(payload) <= MOST_INDEXED_BYTES;
        scriptKeys.push(list, indexed ? keys.timestamps(payload) : list);
        args.push(seconds, indexed ? `delayed:${seconds}` : '', payload);
      }
      await client.script(enqueueDelayed, scriptKeys, args);
    },

    async time() {
      const [seconds, micros] = list(await client.command(['TIME'])).map((part) => Number(text(part)));
      return (seconds ?? 0) * 1000 + Math.floor((micros ?? 0) / 1000);
    },

    async queues() {
      return list(await client.command(['SMEMBERS', keys.queues]))
        .map(text)
        .sort();
    },

    async ping() {
      const answer = text(await client.command(['PING']));
      if (answer !== 'PONG') {
        throw new RedisReplyError(
          `What answers at ${client.address} is not Redis: it said ${JSON.stringify(answer.slice(0, 80))} to PING.`,
        );
      }
    },

    close: () => client.close(),
  };
}
