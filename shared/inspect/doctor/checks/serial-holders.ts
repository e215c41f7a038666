import { type Check, counted, listed, quoted } from '../finding.ts';

export const serialHolders: Check = {
  name: 'serial-holders',
  async run({ deps, survey }) {
    const holders = await deps.doctor.serialHolders();
    const { leases } = await survey();
    const workers = [...new Set(holders.values())].filter((id) => !leases.has(id));
    const states = await deps.doctor.inflight(workers);
    // One that has a record is told of by another check, and lets go when its jobs are given back.
    const gone = new Set(workers.filter((_, i) => states[i] === undefined));
    const held = [...holders].filter(([, worker]) => gone.has(worker));
    const [first] = held;
    if (!first) return [];
    const queues = held.map(([queue]) => queue);
    return [
      {
        severity: 'error',
        problem: `${counted(held.length, 'serial queue is', 'serial queues are')} held by workers that are gone: ${listed(queues)}.`,
        subjects: queues,
        meaning: 'No other worker takes a job of them.',
        remedy: `redis-cli HSET ${quoted(deps.doctor.keys.serial)} ${quoted(first[0])} ''`,
        mend: () => deps.doctor.mend.leases([...gone], new Map(held)),
      },
    ];
  },
};
