import { tokenOf } from '../../wire/worker-id.ts';
import type { Reclaimed } from '../broker.ts';
import type { Keys } from '../keys.ts';
import { OTHER_QUEUES, reclaim, STILL_LEASED } from '../scripts/reclaim.ts';
import { list, type RedisClient, text } from './client.ts';

/**
 * Gives back the jobs of a worker whose lease has ended. A worker holds few queues' jobs, and takes no new ones once its
 * lease has ended: one repetition is the exception.
 * @returns undefined if it has not, or another scheduler was first
 */
export async function reclaimWorker(
  client: Pick<RedisClient, 'command'>,
  script: RedisClient['script'],
  keys: Keys,
  worker: string,
): Promise<Reclaimed | undefined> {
  for (;;) {
    // Of another type: the script tells.
    const fields = list(await client.command(['HKEYS', keys.inflight(worker)]).catch(() => null)).map(text);
    const jobs = fields.filter((field) => /^\d+:/.test(field));
    const names = [...new Set(jobs.map((field) => field.replace(/^\d+:/, '')))];
    const answer = await script(
      reclaim,
      [...keys.ofWorker(worker), keys.queues, ...names.map(keys.queue)],
      [worker, tokenOf(worker), ...names],
    );
    if (answer === STILL_LEASED) return undefined;
    if (answer === OTHER_QUEUES) continue;
    const [given, key, error] = list(answer);
    const wrong = text(key) === '' ? [] : [{ key: text(key), error: text(error) }];
    return { worker, jobs: Number(given), failed: 0, wrong };
  }
}
