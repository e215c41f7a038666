import { type Check, counted, listed, quoted } from '../finding.ts';

/** Records that are looked at. */
const MOST = 5_000;
const PREFIX = 'inflight:';

export const inflightWithoutLease: Check = {
  name: 'inflight-without-lease',
  async run({ deps, names, survey }) {
    const { ids, now } = await survey();
    const known = new Set(ids);
    const bare = (await names()).names
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length))
      .filter((id) => !known.has(id))
      .slice(0, MOST);
    const states = await deps.doctor.inflight(bare);
    // Its own record has the lease too: such a worker may live where there is no list of leases.
    const orphans = bare.flatMap((id, i) => {
      const state = states[i];
      return state && (state.leaseEnds ?? 0) <= now ? [{ id, jobs: state.jobs }] : [];
    });
    const [first] = orphans;
    if (!first) return [];
    const jobs = orphans.reduce((sum, one) => sum + one.jobs, 0);
    return [
      {
        severity: 'error',
        problem: `${counted(orphans.length, 'record')} of jobs in flight without a lease, with ${counted(jobs, 'job')}: ${listed(orphans.map(({ id }) => id))}.`,
        subjects: orphans.map(({ id }) => id),
        meaning: 'No scheduler looks for these workers, so that their jobs would never be given back.',
        remedy: `lambdesque doctor --fix, or redis-cli ZADD ${quoted(deps.doctor.keys.leases)} NX 0 ${quoted(first.id)}, which lets a scheduler do it`,
        async mend() {
          let mended = 0;
          for (const { id } of orphans) if (typeof (await deps.survey.reclaim(id)) === 'object') mended++;
          return mended;
        },
      },
    ];
  },
};
