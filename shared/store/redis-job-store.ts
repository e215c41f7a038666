import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { RedisReplyError } from '../errors.ts';
import type { DelayedMove, JobStore, Reclaimed } from './job-store.ts';
import { keysOf } from './keys.ts';
import { type Argument, list, type RedisClient, text } from './redis-client.ts';
import { agenda } from './scripts/agenda.ts';
import { enqueue, enqueueDelayed } from './scripts/enqueue.ts';
import { leave } from './scripts/leave.ts';
import { promoteDelayed, promoteRetries, readFirst } from './scripts/promote.ts';
import { OTHER_QUEUES, reclaim, STILL_LEASED } from './scripts/reclaim.ts';
import { turnOf } from './turn.ts';
import { tokenOf } from './worker-id.ts';

/**
 * The job store on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 */
export function redisJobStore(client: RedisClient, namespace: string): JobStore {
  const keys = keysOf(namespace);

  const workerKeys = (worker: string) => [
    keys.inflight(worker),
    keys.leases,
    keys.workers,
    keys.heartbeats,
    keys.worker(worker),
    keys.workerStarted(worker),
    keys.stat('processed', worker),
    keys.stat('failed', worker),
  ];

  /** A worker holds few queues' jobs, and takes no new ones once its lease has ended: one repetition is the exception. */
  async function reclaimWorker(worker: string, now: number): Promise<Reclaimed | undefined> {
    for (;;) {
      const fields = list(await client.command(['HKEYS', keys.inflight(worker)])).map(text);
      const names = [
        ...new Set(fields.filter((field) => /^\d+:/.test(field)).map((field) => field.replace(/^\d+:/, ''))),
      ];
      const answer = await client.script(
        reclaim,
        [...workerKeys(worker), keys.queues, ...names.map(keys.queue)],
        [now, worker, tokenOf(worker), ...names],
      );
      if (answer === STILL_LEASED) return undefined;
      if (answer === OTHER_QUEUES) continue;
      const [jobs, refused] = list(answer);
      return { worker, jobs: Number(jobs), refused: text(refused) || undefined };
    }
  }

  return {
    address: client.address,
    settleAndReserve: turnOf(client, keys),

    async leave(worker) {
      return Number(await client.script(leave, workerKeys(worker), [worker]));
    },

    async reclaim(now, limit) {
      const ended = await client.command(['ZRANGEBYSCORE', keys.leases, '-inf', now, 'LIMIT', 0, limit]);
      const reclaimed: Reclaimed[] = [];
      // Each puts its jobs before those that are there: the one that died first goes last, to come first.
      for (const worker of list(ended).map(text).reverse()) {
        const one = await reclaimWorker(worker, now);
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
        1,
      ]);
      const [time] = list(due).map(text);
      if (time === undefined) return undefined;
      const payloads = await client.script(readFirst, [keys.delayed(time)], [limit, bytes]);
      return { time, payloads: list(payloads) as readonly Buffer[] };
    },

    async promoteDelayed(time, moves) {
      const names = [...new Set(moves.flatMap((move) => (move.to === 'queue' ? [move.queue] : [])))];
      const indexOf = new Map(names.map((name, i) => [name, i + 1]));
      const indexKeys: string[] = [];
      const args: Argument[] = [time, `delayed:${time}`, names.length, ...names, moves.length];
      for (const move of moves) {
        // What is not UTF-8 was not written by a program that keeps the index.
        const indexed = isUtf8(move.bytes);
        if (indexed) indexKeys.push(keys.timestamps(move.bytes.toString('utf8')));
        args.push(createHash('sha1').update(move.bytes).digest('hex'), indexed ? 1 : 0, ...destination(move, indexOf));
      }
      const answer = await client.script(
        promoteDelayed,
        [keys.delayed(time), keys.delayedSchedule, keys.queues, keys.failed, ...names.map(keys.queue), ...indexKeys],
        args,
      );
      const [queued, failed, refused] = list(answer);
      return { queued: Number(queued), failed: Number(failed), refused: text(refused) || undefined };
    },

    async agenda() {
      const answer = await client.script(agenda, [keys.leases, keys.retry, keys.delayedSchedule], []);
      const [leaseEnd, retry, delayed] = list(answer).map((score) =>
        text(score) === '' ? undefined : Number(text(score)),
      );
      return { leaseEnd, retry, delayed: delayed === undefined ? undefined : delayed * 1000 };
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
