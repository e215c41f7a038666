import { type Check, counted, listed, quoted } from '../finding.ts';

export const leaseWithoutInflight: Check = {
  name: 'lease-without-inflight',
  async run({ deps, survey }) {
    const { leases } = await survey();
    const ids = [...leases.keys()];
    const states = await deps.doctor.inflight(ids);
    const bare = ids.filter((_, i) => states[i] === undefined);
    const [first] = bare;
    if (first === undefined) return [];
    return [
      {
        severity: 'warning',
        problem: `${counted(bare.length, 'lease')} without a record of jobs in flight: ${listed(bare)}.`,
        subjects: bare,
        meaning:
          'These count as workers, and may keep consumers from being started. A worker that lives would lose its lease at its next call, and says so.',
        remedy: `redis-cli ZREM ${quoted(deps.doctor.keys.leases)} ${quoted(first)}`,
        mend: () => deps.doctor.mend.leases(bare),
      },
    ];
  },
};
