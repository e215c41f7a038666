import type { SchedulerBroker } from '../broker/broker.ts';
import type { Step } from './step.ts';

/** In one share: few enough that Redis is not blocked for long. */
const AT_ONCE = 1_000;

/** After so many shares in which none could be moved they are left for later, and looked at again after so many ms. */
const MOST_IDLE = 20;
const AGAIN_MS = 1_000;

/** The step that moves due retries to their queues. */
export function promoteRetriesStep(store: SchedulerBroker): Step {
  return {
    name: 'retries',
    source: 'retry',
    dueAt: ({ retry }) => retry,
    begin(tick) {
      let passed = 0;
      let idle = 0;
      return async () => {
        const { moved, earliest, passedOver, more, wrong } = await store.promoteRetries(AT_ONCE, passed);
        passed += passedOver;
        tick.report(wrong);
        tick.totals.retried += moved;
        if (earliest !== undefined && Number.isFinite(earliest)) {
          tick.totals.lateness = Math.max(tick.totals.lateness, tick.now() - earliest);
        }
        // Others move them before we do, or they come back.
        idle = moved + passedOver > 0 ? 0 : idle + 1;
        if (more && idle < MOST_IDLE) return true;
        if (more) tick.lookAgainAt(tick.now() + AGAIN_MS);
        return false;
      };
    },
  };
}
