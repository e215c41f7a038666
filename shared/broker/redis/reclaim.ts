import { WorkerDiedError } from '../../errors.ts';
import { failedEntry } from '../../wire/failed-entry.ts';
import { glimpse } from '../../wire/job-glimpse.ts';
import { tokenOf } from '../../wire/worker-id.ts';
import type { Reclaimed, ReclaimedJob } from '../broker.ts';
import type { Keys } from '../keys.ts';
import { ScriptCall } from '../ops/call.ts';
import { encodeStatKeys, short } from '../ops/stats.ts';
import { OTHER_QUEUES, reclaim, STILL_LEASED } from '../scripts/reclaim.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { wrongKeysOf } from './wrong-keys.ts';

/** In one call: few enough that Redis is not blocked for long. */
const JOBS_AT_ONCE = 500;
const BYTES_AT_ONCE = 8_388_608;

/** If it holds jobs of unknown queues more often than this, their names are none, and they are left. */
const MOST_OTHERS = 2;

const EPOCH = new Date(0);

/** A field of the in-flight hash that is a job: its mark, number and queue. */
const FIELD = /^(!?)(\d+):([\s\S]*)$/;

/** Queues of a worker's jobs in flight. */
export function queuesOf(fields: readonly string[]): string[] {
  return [...new Set(fields.flatMap((field) => FIELD.exec(field)?.[3] ?? []))];
}

/**
 * Gives back the jobs of a worker whose lease has ended, some at a time.
 * @param now Redis's time, asked for where it is needed
 * @returns undefined if it has not, or another scheduler was first
 */
export async function reclaimWorker(
  client: Pick<RedisClient, 'command'>,
  script: RedisClient['script'],
  keys: Keys,
  worker: string,
  now: () => Promise<number>,
): Promise<Reclaimed | undefined> {
  const each: ReclaimedJob[] = [];
  let jobs = 0;
  let failed = 0;
  let others = 0;
  for (;;) {
    // Of another type: the script tells.
    const fields = list(await client.command(['HKEYS', keys.inflight(worker)]).catch(() => null)).map(text);
    const call = new ScriptCall([
      ...keys.ofWorker(worker),
      keys.queues,
      keys.failed,
      keys.stat('processed'),
      keys.stat('failed'),
      keys.flowsLost,
    ]);
    call.add(worker, tokenOf(worker), JOBS_AT_ONCE, BYTES_AT_ONCE, others > MOST_OTHERS ? 1 : 0);
    const mayFail = fields.some((field) => FIELD.exec(field)?.[1] === '!');
    call.add(mayFail ? 1 : 0);
    // Whoever may not ask for the time has an idea of it.
    if (mayFail) encodeStatKeys(call, keys, await now().catch(Date.now));
    for (const queue of queuesOf(fields)) {
      // The script knows the time.
      const { tail } = failedEntry({ failedAt: EPOCH, thrown: mayHaveStarted(), worker, queue });
      call.add(queue, call.key(keys.queue(queue)), tail, JSON.stringify(short(queue)));
    }
    const answer = await script(reclaim, call.keys, call.args);
    if (answer === STILL_LEASED) return jobs + failed > 0 ? { worker, jobs, failed, each, wrong: [] } : undefined;
    // A worker holds few queues' jobs, and takes no new ones once its lease has ended: one repetition is the exception.
    if (answer === OTHER_QUEUES) {
      others++;
      continue;
    }
    const [given, toFailed, left, wrong, told] = list(answer);
    for (const one of list(told)) each.push(reclaimedJob(worker, list(one)));
    jobs += Number(given);
    failed += Number(toFailed);
    if (Number(left) === 0) return { worker, jobs, failed, each, wrong: wrongKeysOf(wrong) };
  }
}

function reclaimedJob(worker: string, [field, beginning, end]: readonly Reply[]): ReclaimedJob {
  const [, mark, seq, queue = ''] = FIELD.exec(text(field)) ?? [];
  const { class: name, id = `${tokenOf(worker)}-${seq}`, deaths } = glimpse(text(beginning), text(end));
  const started = mark === '!';
  return {
    class: name,
    id,
    queue,
    // In its queue it has this death already.
    deaths: started ? deaths + 1 : deaths,
    to: started ? 'failed' : 'queue',
  };
}

function mayHaveStarted(): WorkerDiedError {
  return new WorkerDiedError(
    'The worker that held this at-most-once job died after it may have started, so it is not run again. ' +
      'Find out what it has done, then requeue it if it is safe to run again.',
  );
}
