import { type Check, counted, listed, quoted } from '../finding.ts';
import { expectedType, SINGLE_KEYS } from '../key-types.ts';

/** Keys that are looked at besides those that there are once. */
const MOST = 50_000;

export const keyTypes: Check = {
  name: 'key-types',
  async run({ deps, names }) {
    const { doctor } = deps;
    const prefix = doctor.keys.queues.slice(0, -'queues'.length);
    const ours = (await names()).names.filter((name) => expectedType(name) !== undefined).slice(0, MOST);
    const all = [...new Set([...SINGLE_KEYS, ...ours])];
    const types = await doctor.types(all.map((name) => prefix + name));
    const wrong = all.flatMap((name, i) => {
      const [found = 'none', expected = ''] = [types[i], expectedType(name)];
      return found === 'none' || found === expected ? [] : [{ key: prefix + name, found, expected }];
    });
    const [first] = wrong;
    if (!first) return [];
    const keys = wrong.map(({ key }) => key);
    return [
      {
        severity: 'error',
        problem: `${counted(wrong.length, 'key is', 'keys are')} of another type: ${listed(wrong.map(({ key, found, expected }) => `${key} is a ${found}, not a ${expected}`))}.`,
        subjects: keys,
        meaning:
          'What belongs there cannot be written or read; all else goes on. Somebody else writes under these names.',
        remedy: `redis-cli RENAME ${quoted(first.key)} ${quoted(`${first.key}:wrong`)}`,
      },
    ];
  },
};
