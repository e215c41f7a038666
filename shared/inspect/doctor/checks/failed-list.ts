import { type Check, listed } from '../finding.ts';

const LARGE = 100_000;

export const failedList: Check = {
  name: 'failed-list',
  async run({ deps }) {
    const large = (await deps.failed.lists()).filter(({ size }) => size >= LARGE);
    const [first] = large;
    if (!first) return [];
    return [
      {
        severity: 'warning',
        problem: `The failed list is very long: ${listed(large.map(({ name, size }) => `${name} has ${size} entries`))}.`,
        subjects: large.map(({ name }) => name),
        meaning: 'It takes memory, and grows until somebody removes what is in it.',
        remedy:
          'lambdesque failed groups, then failed retry or failed rm; and give the scheduler a limit: --failed-max 10000',
      },
    ];
  },
};
