import type { Check } from '../finding.ts';

export const eviction: Check = {
  name: 'eviction',
  async run({ info }) {
    const policy = (await info()).get('maxmemory_policy');
    if (policy === undefined || policy === 'noeviction') return [];
    return [
      {
        severity: 'error',
        problem: `The eviction policy is ${policy}.`,
        meaning:
          'A Redis that runs full throws keys away: whole queues, or the record of jobs in flight. Jobs are lost without a word.',
        remedy:
          'redis-cli CONFIG SET maxmemory-policy noeviction; and in redis.conf, or in the settings of its provider',
      },
    ];
  },
};
