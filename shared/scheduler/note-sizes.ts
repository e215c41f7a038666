import type { QueueStats, StatsBroker } from '../broker/redis/stats.ts';
import type { Follower } from './step.ts';

const MINUTE_MS = 60_000;

/** Notes how many jobs wait in each queue, once a minute: how fast they come in is not known otherwise. */
export function noteSizes(store: StatsBroker): Follower {
  let minute = -1;
  let seen: QueueStats | undefined;
  return {
    name: 'note sizes',
    async run(tick) {
      const now = tick.now();
      if (Math.floor(now / MINUTE_MS) === minute) return;
      seen = await store.read([], seen ?? (await store.read([])), now);
      minute = Math.floor(now / MINUTE_MS);
    },
  };
}
