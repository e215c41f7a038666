import { type Check, counted, listed, quoted } from '../finding.ts';

export const undrainedQueues: Check = {
  name: 'undrained-queues',
  async run({ queues }) {
    const idle = (await queues()).filter(({ size, paused, workers }) => size > 0 && !paused && workers.length === 0);
    const [first] = idle;
    if (!first) return [];
    const jobs = idle.reduce((sum, { size }) => sum + size, 0);
    return [
      {
        severity: 'warning',
        problem: `No worker looks at ${counted(idle.length, 'queue')} with ${counted(jobs, 'job')}: ${listed(idle.map(({ name }) => name))}.`,
        subjects: idle.map(({ name }) => name),
        meaning:
          'Their jobs wait. On AWS a consumer starts within a minute, if one has these queues; if this stays, none has them.',
        remedy: `lambdesque work --queues ${quoted(first.name)}`,
      },
    ];
  },
};
