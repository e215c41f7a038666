import type { Limit } from '../limit.ts';
import type { Logger } from '../log.ts';
import { notLookedInto, type QueueList } from '../queues/queue-list.ts';

/**
 * All workers of a fleet may be told the same limits, also those that do not drain some of the queues; a slip in a name looks
 * like that, so it is told.
 * @throws ConfigError for a pattern
 */
export function tellLimitsElsewhere(limits: Readonly<Record<string, Limit>>, queues: QueueList, log: Logger): void {
  for (const sentence of notLookedInto('limits', Object.keys(limits), queues)) {
    log.warn(`${sentence} This worker has no use for the limit`);
  }
}
