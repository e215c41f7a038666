import { type Check, counted, listed, quoted } from '../finding.ts';

const PREFIX = 'queue:';

export const unknownQueues: Check = {
  name: 'unknown-queues',
  async run({ deps, names, queues }) {
    const known = new Set((await queues()).map(({ name }) => name));
    const found = (await names()).names
      .filter((name) => name.startsWith(PREFIX))
      .map((name) => name.slice(PREFIX.length))
      .filter((name) => name !== '' && !known.has(name));
    const { doctor } = deps;
    const types = await doctor.types(found.map(doctor.keys.queue));
    const unknown = found.filter((_, i) => types[i] === 'list');
    const [first] = unknown;
    if (first === undefined) return [];
    return [
      {
        severity: 'warning',
        problem: `${counted(unknown.length, 'queue has jobs and is', 'queues have jobs and are')} not in the set of queues: ${listed(unknown)}.`,
        subjects: unknown,
        meaning:
          'Workers that look at * or globs never see them, nor does any list. Most often somebody has pushed by hand.',
        remedy: `redis-cli SADD ${quoted(doctor.keys.queues)} ${quoted(first)}`,
        mend: () => doctor.mend.queues(unknown),
      },
    ];
  },
};
