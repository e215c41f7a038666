import { type Check, counted, listed } from '../finding.ts';

/** What stands before a worker's id; `worker:ping:` is node-resque's. */
const RECORD = /^(?:worker|stat:processed|stat:failed):(?!ping:)([\s\S]+)$/;
/** As Resque has it: host, process and queues. */
const ID = /^[^:]*:[^:]*:[\s\S]+$/;

export const workerRecords: Check = {
  name: 'worker-records',
  async run({ deps, names, survey }) {
    const { ids, heartbeats } = await survey();
    const known = new Set(ids);
    const orphans = new Set<string>([...heartbeats.keys()].filter((id) => !known.has(id)));
    for (const name of (await names()).names) {
      const found = RECORD.exec(name)?.[1];
      if (found === undefined || known.has(found)) continue;
      const id = name.startsWith('worker:') ? found.replace(/:started$/, '') : found;
      if (ID.test(id) && !known.has(id)) orphans.add(id);
    }
    if (orphans.size === 0) return [];
    const all = [...orphans];
    return [
      {
        severity: 'notice',
        problem: `Records of ${counted(all.length, 'worker that is', 'workers that are')} not registered: ${listed(all)}.`,
        subjects: all,
        meaning: 'Left behind by workers that were killed or removed by hand. Nobody reads them.',
        remedy: 'lambdesque doctor --fix removes them',
        mend: () => deps.doctor.mend.records(all),
      },
    ];
  },
};
