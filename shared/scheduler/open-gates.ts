import type { SchedulerBroker } from '../broker/broker.ts';
import type { Step } from './step.ts';

/** In one share. */
const GATES_AT_ONCE = 500;

/**
 * The step that calls parked jobs to their queues: where a rate allows it now, or the worker whose place they wait for has
 * died. All others are called by the job that gives its place back.
 */
export function openGatesStep(store: SchedulerBroker): Step {
  return {
    name: 'limits',
    source: 'parked',
    // The places of a dead worker are free from now on.
    dueAt: ({ parked, leaseEnd, now }) => (leaseEnd !== undefined && leaseEnd <= now ? now : parked),
    begin(tick) {
      let seen = -1;
      return async () => {
        // At-most-once jobs of a dead worker are in the failed list.
        const ended = tick.totals.reclaimed + tick.totals.failed;
        const all = ended > seen;
        seen = ended;
        const { gates, next, wrong } = await store.parkedGates(GATES_AT_ONCE, all);
        tick.report(wrong);
        if (next !== undefined) tick.lookAgainAt(next);
        if (gates.length === 0) return false;
        const opened = await store.openGates(gates);
        tick.report(opened.wrong);
        tick.totals.called += opened.called;
        return opened.called > 0 && (opened.more || gates.length === GATES_AT_ONCE);
      };
    },
  };
}
