import { ArgumentsError, ConfigError, type EnqueueItem, type Logger, PartlyEnqueuedError } from '../../shared/index.ts';
import type { Enqueuer } from '../../shared/internal.ts';
import type { AwsEvent } from './events.ts';
import type { EnqueueMap } from './rule.ts';

interface EnqueueEventsDeps {
  readonly map: EnqueueMap;
  readonly client: Pick<Enqueuer, 'enqueueAll'>;
  readonly log: Logger;
}

interface EnqueuedEvents {
  /** Jobs that are in their queues. */
  readonly jobs: number;
  readonly queues: ReadonlySet<string>;
  /** In their order, with what went wrong. */
  readonly failed: ReadonlyMap<AwsEvent, unknown>;
}

/** What one event becomes. */
interface Mapped {
  readonly event: AwsEvent;
  readonly items: readonly EnqueueItem[];
}

/**
 * Events become jobs, in few round trips. One that cannot is no other's fault, but for a FIFO queue, where those of its group
 * that come after it have failed with it. An event of several jobs has failed where one of them is not in its queue: it comes back with all.
 */
export async function enqueueEvents(events: readonly AwsEvent[], deps: EnqueueEventsDeps): Promise<EnqueuedEvents> {
  const failed = new Map<AwsEvent, unknown>();
  const queues = new Set<string>();
  let jobs = 0;
  const fail = (event: AwsEvent, error: unknown, groups: Set<string>) => {
    failed.set(event, error);
    if (event.group !== undefined) groups.add(event.group);
  };
  const isBehind = ({ group }: AwsEvent, groups: ReadonlySet<string>) => group !== undefined && groups.has(group);

  const push = async (some: readonly Mapped[], groups: Set<string>): Promise<void> => {
    const items = some.flatMap((one) => one.items);
    if (items.length === 0) return;
    try {
      for (const { queue } of await deps.client.enqueueAll(items as EnqueueItem[])) queues.add(queue);
      jobs += items.length;
    } catch (error) {
      // Nothing was pushed, since one of them cannot be: which one, is found by trying each by itself.
      const refused = error instanceof ConfigError || error instanceof ArgumentsError;
      if (refused && some.length > 1) {
        for (const one of some) {
          if (isBehind(one.event, groups)) fail(one.event, BEHIND, groups);
          else await push([one], groups);
        }
        return;
      }
      const pushed = error instanceof PartlyEnqueuedError ? error.pushed : 0;
      jobs += pushed;
      let end = 0;
      for (const { event, items: own } of some) {
        end += own.length;
        if (end > pushed) fail(event, error, groups);
      }
    }
  };

  // Of groups that have failed here, what is behind; what was before can still be pushed.
  const unmapped = new Set<string>();
  const mapped: Mapped[] = [];
  for (const event of events) {
    if (isBehind(event, unmapped)) {
      fail(event, BEHIND, unmapped);
      continue;
    }
    try {
      const made = await deps.map(event);
      mapped.push({ event, items: made === undefined ? [] : Array.isArray(made) ? made : [made as EnqueueItem] });
    } catch (error) {
      fail(event, error, unmapped);
    }
  }
  await push(mapped, new Set());
  for (const [{ source, id }, error] of failed) deps.log.error('An event could not be enqueued', { source, id, error });
  return { jobs, queues, failed: new Map(events.flatMap((one) => (failed.has(one) ? [[one, failed.get(one)]] : []))) };
}

const BEHIND = new Error('One before it, of the same message group, could not be enqueued.');
