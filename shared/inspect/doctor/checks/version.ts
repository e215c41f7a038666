import type { Check } from '../finding.ts';

/** LPOS came with 6.0.6, effects of scripts and what else is used before that. */
const OLDEST = [6, 2] as const;

export const version: Check = {
  name: 'version',
  async run({ info }) {
    const text = (await info()).get('redis_version');
    const [major, minor] = (text ?? '').split('.').map(Number);
    if (major === undefined || minor === undefined || Number.isNaN(major)) return [];
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return [];
    return [
      {
        severity: 'warning',
        problem: `Redis is of version ${text}.`,
        meaning:
          'Some commands that are used here do not exist before 6.2, and its makers mend nothing in it any more.',
        remedy: 'upgrade Redis, to 7 or later; or use Valkey',
      },
    ];
  },
};
