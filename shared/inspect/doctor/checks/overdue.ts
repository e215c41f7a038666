import { dateOf } from '../../job-view.ts';
import type { Check, Diagnosis } from '../finding.ts';

/** A scheduler ticks each minute or more often, ms. */
const LATE = 150_000;

export const overdue: Check = {
  name: 'overdue',
  async run({ due }) {
    const { now, delayed, retry, parked, leaseEnd } = await due();
    const late = [
      ['delayed jobs', delayed],
      ['retries', retry],
      ['parked jobs', parked],
      ['the jobs of dead workers', leaseEnd],
    ] as const;
    const found = late.filter(([, at]) => at !== undefined && now - at > LATE);
    if (found.length === 0) return [];
    const oldest = Math.min(...found.map(([, at]) => at ?? now));
    const one: Diagnosis = {
      severity: 'error',
      problem: `Nobody moves ${found.map(([what]) => what).join(' and ')}: the first was due at ${at(oldest)}, Redis's clock.`,
      meaning: 'No scheduler runs, or it cannot use what is there: its log says which.',
      remedy: "lambdesque tick, once; lambdesque work --scheduler --queues '*', or the scheduler on AWS, for good",
    };
    return [one];
  },
};

const at = (ms: number) => dateOf(ms)?.toISOString() ?? 'no time';
