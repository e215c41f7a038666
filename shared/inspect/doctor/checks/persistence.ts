import type { Check, Diagnosis } from '../finding.ts';

export const persistence: Check = {
  name: 'persistence',
  async run({ deps, info }) {
    const found = await info();
    const bad: Diagnosis[] = [];
    const failed = ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status'].filter(
      (name) => found.has(name) && found.get(name) !== 'ok',
    );
    if (failed.length > 0) {
      bad.push({
        severity: 'error',
        problem: `Redis could not write its data to disk: ${failed.map((name) => `${name} is ${found.get(name)}`).join(', ')}.`,
        meaning: 'A restart loses what was written since. It may refuse writes until then.',
        remedy: 'free space on its disk, then redis-cli BGSAVE; its log says more',
      });
    }
    // Without an append-only file, and where it says so.
    if (found.get('aof_enabled') !== '0' || (await deps.doctor.snapshots()) !== '') return bad;
    bad.push({
      severity: 'warning',
      problem: 'Persistence is off: neither an append-only file nor snapshots.',
      meaning: 'Every job is lost when Redis restarts, unless a replica takes over.',
      remedy: 'redis-cli CONFIG SET appendonly yes; and in redis.conf, or in the settings of its provider',
    });
    return bad;
  },
};
