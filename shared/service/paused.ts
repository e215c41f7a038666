import type { Broker, SyncRequest } from '../broker/broker.ts';
import type { Logger } from '../log.ts';

/**
 * The broker of a worker, that tells when `pause-all-workers` is set in Redis, or a queue paused where it looks, and when that is
 * over: a worker that takes nothing, though jobs wait, looks like one that is broken.
 * @param key whole, for who has to look for it
 */
export function tellingPaused<Store extends Pick<Broker, 'sync'>>(store: Store, key: string, log: Logger): Store {
  let paused = false;
  /** Paused queues that were told. */
  const told = new Set<string>();

  function tellQueues(names: readonly string[], asked: NonNullable<SyncRequest['reserve']>): void {
    if (names.length === 0 && told.size === 0) return;
    const now = new Set(names);
    for (const { queue } of asked.shares) {
      if (now.has(queue) && !told.has(queue)) {
        told.add(queue);
        const remedy = 'client.queues.resume';
        log.warn('A queue is paused: none of its jobs is taken until it is resumed', { queue, remedy });
      }
    }
    for (const queue of told) {
      if (now.has(queue)) continue;
      told.delete(queue);
      log.info('A queue is not paused any more: its jobs are taken again', { queue });
    }
  }

  return {
    ...store,
    async sync(request) {
      const result = await store.sync(request);
      // Only a call that asks for jobs is told.
      if (result.kind !== 'held' || request.reserve === undefined) return result;
      tellQueues(result.pausedQueues, request.reserve);
      if (result.paused === paused) return result;
      paused = result.paused;
      if (paused)
        log.warn('Every worker is paused: no job is taken until the key is gone', { key, remedy: `DEL ${key}` });
      else log.info('No worker is paused any more: jobs are taken again', { key });
      return result;
    },
  };
}
