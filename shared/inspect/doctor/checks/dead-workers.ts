import { LiveWorkerError } from '../../../errors.ts';
import { type Check, counted, listed, quoted } from '../finding.ts';

export const deadWorkers: Check = {
  name: 'dead-workers',
  async run({ deps, workers }) {
    const dead = (await workers()).filter(({ alive }) => alive === false);
    const [first] = dead;
    if (!first) return [];
    const ids = dead.map(({ id }) => id);
    const held = dead.reduce((sum, one) => sum + one.held, 0);
    return [
      {
        severity: held > 0 ? 'error' : 'warning',
        problem: `${counted(dead.length, 'worker is', 'workers are')} dead and still registered: ${listed(ids)}.`,
        subjects: ids,
        meaning:
          held > 0
            ? `They hold ${counted(held, 'job')}, which a scheduler gives back when their leases have ended; of other Resques' workers, Ruby does.`
            : 'They are shown as if they were there. A scheduler forgets ours, and Ruby its own.',
        remedy: `lambdesque workers unregister --dead${dead.length === 1 ? `, or lambdesque workers unregister ${quoted(first.id)}` : ''}`,
        async mend() {
          let mended = 0;
          for (const { id } of dead) {
            try {
              if (await deps.workers.unregister(id)) mended++;
            } catch (error) {
              // It came back meanwhile.
              if (!(error instanceof LiveWorkerError)) throw error;
            }
          }
          return mended;
        },
      },
    ];
  },
};
