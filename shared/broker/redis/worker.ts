import { RedisReplyError } from '../../errors.ts';
import type { HeldJob, StartingJob, WorkerBroker } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeEffects, fieldOf } from '../ops/operation.ts';
import { enqueue, enqueueDelayed } from '../scripts/enqueue.ts';
import { recoverScript } from '../scripts/recover.ts';
import { startScript } from '../scripts/start.ts';
import { unregister } from '../scripts/unregister.ts';
import { type Argument, list, type RedisClient, text } from './client.ts';
import { controlledOf } from './enqueue-controlled.ts';
import { MOST_INDEXED_BYTES } from './most-indexed.ts';
import { parkAheadOf } from './park-ahead.ts';
import { queuesOf } from './reclaim.ts';
import { syncOf } from './sync.ts';
import { type TimeSource, timedScripts, timeOf } from './time.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/**
 * What a worker and a client need, on any Redis client.
 * @param namespace prefix of every key, `resque:` in Resque's own default
 * @param time of a test @default Redis's own
 */
export function redisWorkerBroker(client: RedisClient, namespace: string, time?: TimeSource): WorkerBroker {
  const keys = keysOf(namespace);

  async function start(worker: string, jobs: readonly StartingJob[]): Promise<boolean[]> {
    if (jobs.length === 0) return [];
    const call = new ScriptCall([keys.inflight(worker)]);
    call.add(jobs.length);
    for (const { raw, marked, effects } of jobs) {
      call.add(fieldOf(raw), marked ? 1 : 0);
      encodeEffects(effects, call, keys);
    }
    return list(await client.script(startScript, call.keys, call.args)).map((held) => held === 1);
  }

  return {
    address: client.address,
    sync: syncOf(timedScripts(client, time), keys),
    parkAhead: parkAheadOf(timedScripts(client, time), keys),

    start,

    async recover(worker, call, held) {
      const fields = list(await client.command(['HKEYS', keys.inflight(worker)])).map(text);
      const inFlight = new Set(fields);
      const known = new Set(held.flatMap(({ raw }) => [fieldOf(raw), fieldOf(raw, true)]));
      const unknown = fields.filter((field) => queuesOf([field]).length > 0 && !known.has(field));
      unknown.sort((a, b) => seqOf(b) - seqOf(a));
      const script = new ScriptCall([keys.inflight(worker), keys.queues]);
      script.add(call);
      for (const field of unknown) {
        const [queue = ''] = queuesOf([field]);
        script.add(field, queue, script.key(keys.queue(queue)));
      }
      const [given, wrong] = list(await client.script(recoverScript, script.keys, script.args));
      // A mark may be among what was lost.
      await start(
        worker,
        held.flatMap(({ raw, marked }) => (marked && inFlight.has(fieldOf(raw)) ? [{ raw, marked, effects: [] }] : [])),
      );
      const isThere = ({ raw }: HeldJob) => inFlight.has(fieldOf(raw)) || inFlight.has(fieldOf(raw, true));
      const missing = held.filter((one) => !isThere(one)).map(({ raw }) => raw);
      return { given: Number(given), missing, wrong: wrongKeysOf(wrong) };
    },

    async unregister(worker) {
      const [held] = list(await client.script(unregister, keys.ofWorker(worker), [worker]));
      return Number(held);
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

    enqueueControlled: controlledOf(client, timedScripts(client, time), keys),

    time: () => timeOf(client, time),

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

/** The number of the reservation, of a field that is a job. */
function seqOf(field: string): number {
  return Number(/\d+/.exec(field)?.[0]);
}
