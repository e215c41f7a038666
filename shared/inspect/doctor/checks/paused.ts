import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

export const paused: Check = {
  name: 'paused',
  async run({ queues, totals }) {
    const found: Diagnosis[] = [];
    if ((await totals()).paused) {
      found.push({
        severity: 'warning',
        problem: 'All workers are paused.',
        meaning: 'No worker takes a job, of ours or of any other Resque.',
        remedy: 'lambdesque queues resume --all',
      });
    }
    const names = (await queues()).filter((queue) => queue.paused).map(({ name }) => name);
    if (names.length > 0) {
      found.push({
        severity: 'notice',
        problem: `${counted(names.length, 'queue is', 'queues are')} paused: ${listed(names)}.`,
        subjects: names,
        meaning: 'Workers of ours take no job of them.',
        remedy: `lambdesque queues resume ${names.slice(0, 10).map(quoted).join(' ')}`,
      });
    }
    return found;
  },
};
