import type { SchedulerBroker } from '../broker/broker.ts';
import type { Step } from './step.ts';

/** In one share. */
const STEPS_AT_ONCE = 100;

/**
 * The step that tells flows of steps that ended with their workers: at-most-once jobs, which are in the failed list then. All others
 * are told by the worker that runs them.
 */
export function lostStepsStep(store: SchedulerBroker): Step {
  return {
    name: 'lost steps',
    dueAt: ({ lostSteps, leaseEnd, now }) =>
      lostSteps || (leaseEnd !== undefined && leaseEnd <= now) ? now : undefined,
    begin(tick) {
      return async () => {
        const { told, more, wrong } = await store.tellLostSteps(STEPS_AT_ONCE);
        tick.report(wrong);
        return more && told > 0;
      };
    },
  };
}
