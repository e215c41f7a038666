import { RedisReplyError } from '../../errors.ts';
import type { WorkerBroker } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { enqueue, enqueueDelayed } from '../scripts/enqueue.ts';
import { leave } from '../scripts/unregister.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { syncOf } from './sync.ts';

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
      const keysAndIndexes = jobs.flatMap((job) => [keys.delayed(job.seconds), keys.timestamps(job.payload)]);
      const args = jobs.flatMap((job) => [job.seconds, `delayed:${job.seconds}`, job.payload]);
      await client.script(enqueueDelayed, [keys.delayedSchedule, ...keysAndIndexes], args);
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
