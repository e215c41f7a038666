import type { SyncReply } from '../../../shared/broker/broker.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { QueuePoller, type WhyIdle } from '../../../shared/worker/queue-poller.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';

export const INTERVAL = 5_000;

/** A poller, and a look: what it asks for at a time, and what it makes of the answer. */
export function polling(queues = 'a,b') {
  const look = new QueuePoller(parseQueues(queues), INTERVAL);
  return {
    look,
    ask: (now = 0) => look.where(10, now),
    /** The same, and names of the queues that it asks for. */
    names: (now = 0) => look.where(10, now).shares.map((share) => share.queue),
    see(result: Partial<SyncReply>, now = 0, unknown: SyncReply['jobs'] = []) {
      const asked = look.where(10, now);
      for (const raw of unknown) look.sentOn(raw);
      look.looked(asked, syncReply(result), now);
      return { found: look.found, restUntil: look.restUntil };
    },
  };
}

/** Jobs that came, by their queues. */
export const jobs = (...queues: readonly string[]) => queues.map((queue) => rawJob('{}', { queue }));
export const many = (name: string, count: number) => Array.from({ length: count }, () => name);

export const atOnce = { found: undefined, restUntil: 0 };
export const rests = (found: WhyIdle, now = 0) => ({ found, restUntil: now + INTERVAL });
