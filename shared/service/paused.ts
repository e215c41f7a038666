import type { Broker } from '../broker/broker.ts';
import type { Logger } from '../log.ts';

/**
 * The broker of a worker, that tells when `pause-all-workers` is set in Redis and when it is gone: a worker that takes
 * nothing, though jobs wait, looks like one that is broken.
 * @param key whole, for who has to look for it
 */
export function tellingPaused<Store extends Pick<Broker, 'sync'>>(store: Store, key: string, log: Logger): Store {
  let paused = false;
  return {
    ...store,
    async sync(request) {
      const result = await store.sync(request);
      // Only a call that asks for jobs is told.
      if (result.kind !== 'held' || request.reserve === undefined || result.paused === paused) return result;
      paused = result.paused;
      if (paused)
        log.warn('Every worker is paused: no job is taken until the key is gone', { key, remedy: `DEL ${key}` });
      else log.info('No worker is paused any more: jobs are taken again', { key });
      return result;
    },
  };
}
