import { type Check, counted, listed, quoted } from '../finding.ts';

const PREFIX = 'parked:';

export const parkedJobs: Check = {
  name: 'parked-jobs',
  async run({ deps, names }) {
    const gates = (await names()).names.flatMap((name) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
    const { doctor } = deps;
    const types = await doctor.types(gates.map(doctor.keys.parkedAt));
    const unwatched = await deps.gates.unwatched(gates.filter((_, i) => types[i] === 'list'));
    const [first] = unwatched;
    if (first === undefined) return [];
    return [
      {
        severity: 'error',
        problem: `Jobs are parked at ${counted(unwatched.length, 'limit')} at which no scheduler looks: ${listed(unwatched)}.`,
        subjects: unwatched,
        meaning: 'They wait until another job passes that limit, which may be never. No command lists them.',
        remedy: `redis-cli ZADD ${quoted(doctor.keys.parked)} NX 0 ${quoted(first)}`,
        mend: () => deps.gates.watch(unwatched),
      },
    ];
  },
};
