import { type Check, counted, listed } from '../finding.ts';

const PREFIX = 'timestamps:';
/** Indexes that are looked at. */
const MOST = 2_000;

export const delayedIndexes: Check = {
  name: 'delayed-indexes',
  async run({ deps, names }) {
    const { doctor } = deps;
    const payloads = (await names()).names
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length))
      .slice(0, MOST);
    const times = await doctor.indexedTimes(payloads);
    const pairs = payloads.flatMap((payload, i) => (times[i] ?? []).map((time) => ({ payload, time })));
    const types = await doctor.types(pairs.map(({ time }) => doctor.keys.delayed(time)));
    const orphans = pairs.filter((_, i) => types[i] === 'none');
    if (orphans.length === 0) return [];
    const subjects = [...new Set(orphans.map(({ payload }) => payload))];
    return [
      {
        severity: 'notice',
        problem: `${counted(subjects.length, 'index', 'indexes')} of delayed jobs (timestamps:…) ${subjects.length === 1 ? 'names' : 'name'} lists that are not there: ${listed(subjects, 1)}.`,
        subjects,
        meaning:
          'Memory that nobody gives back; Ruby takes these jobs for delayed ones. Other schedulers and node-resque leave them behind.',
        remedy: 'lambdesque doctor --fix removes them',
        mend: () => doctor.mend.indexes(orphans),
      },
    ];
  },
};
