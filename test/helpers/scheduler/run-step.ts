import type { DelayedList, SchedulerBroker } from '../../../shared/broker/broker.ts';
import type { Registry } from '../../../shared/job/registry.ts';
import { silentLogger } from '../../../shared/log.ts';
import { promoteDelayedStep } from '../../../shared/scheduler/promote-delayed.ts';
import type { Step, TickTotals } from '../../../shared/scheduler/step.ts';

/** Does all that a step has to do, share after share. @returns what was done, and what was told */
export async function runStep(step: Step, store: SchedulerBroker): Promise<TickTotals & { told: string[] }> {
  const due = await store.dueTimes();
  const totals = { called: 0, promoted: 0, retried: 0, reclaimed: 0, cron: 0, failed: 0, lateness: 0 };
  const told: string[] = [];
  const share = step.begin({
    now: () => due.now,
    snapshot: { due },
    totals,
    report(wrong) {
      for (const { key, error } of wrong) told.push(`${key}: ${error}`);
    },
    reportOnce: (_what, message) => void told.push(message),
    lookAgainAt: () => {},
  });
  while (await share());
  return { ...totals, told };
}

/** Promotes what is due of the delayed jobs. */
export async function promoteDelayed(
  store: SchedulerBroker,
  registry?: Registry,
): Promise<{ promoted: number; failed: number }> {
  const { promoted, failed } = await runStep(promoteDelayedStep(store, registry, silentLogger), store);
  return { promoted, failed };
}

/** The earliest due lists of delayed jobs, with their first payloads. */
export async function dueLists(store: SchedulerBroker, limit: number, bytes: number): Promise<DelayedList[]> {
  const { times } = await store.dueDelayed(100);
  if (times.length === 0) return [];
  return store.readDelayed(
    times.map((time) => ({ time })),
    limit,
    bytes,
  );
}
