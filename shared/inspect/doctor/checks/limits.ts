import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

const PREFIX = 'limit:';

export const limits: Check = {
  name: 'limits',
  async run({ deps, names, queues }) {
    const found: Diagnosis[] = [];
    const { keys } = deps.doctor;
    const garbage = await deps.gates.garbage();
    const [first] = garbage;
    if (first) {
      const fields = garbage.map(([field]) => field);
      found.push({
        severity: 'warning',
        problem: `${counted(garbage.length, 'field')} of ${keys.control} that no worker understands: ${listed(garbage.map(([field, value]) => `${field} (${JSON.stringify(value.slice(0, 40))})`))}.`,
        subjects: fields,
        meaning: 'What it was to say, such as a limit or a pause, does not hold.',
        remedy: `redis-cli HDEL ${quoted(keys.control)} ${quoted(first[0])}; then lambdesque queues limit, classes pause or jobs cancel`,
        mend: () => deps.gates.tidy(garbage),
      });
    }

    const known = new Set((await queues()).map(({ name }) => name));
    const unknown = [...(await deps.control.limits()).keys()].filter((name) => !known.has(name));
    const [queue] = unknown;
    if (queue !== undefined) {
      found.push({
        severity: 'notice',
        problem: `${counted(unknown.length, 'limit')} of queues that had no job yet: ${listed(unknown)}.`,
        subjects: unknown,
        meaning: 'They limit nothing, unless jobs are enqueued there some day. Most often the name is misspelt.',
        remedy: `lambdesque queues limit ${quoted(queue)} none`,
      });
    }

    const gates = (await names()).names.flatMap((name) => (name.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
    const stale = await deps.gates.stale(gates);
    if (stale.length > 0) {
      found.push({
        severity: 'notice',
        problem: `${counted(stale.length, 'limit')} (limit:…) of which nobody has a place and for which no job waits: ${listed(stale)}.`,
        subjects: stale,
        meaning: 'Memory that nobody gives back, of workers that died long ago.',
        remedy: 'lambdesque doctor --fix removes them',
        mend: () => deps.gates.drop(stale),
      });
    }
    return found;
  },
};
