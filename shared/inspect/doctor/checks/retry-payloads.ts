import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

export const retryPayloads: Check = {
  name: 'retry-payloads',
  async run({ deps }) {
    const { doctor } = deps;
    const { bare, stray } = await doctor.retryGaps();
    const found: Diagnosis[] = [];
    if (bare.length > 0) {
      found.push({
        severity: 'warning',
        problem: `${counted(bare.length, 'retry has', 'retries have')} no payload: ${listed(bare)}.`,
        subjects: bare,
        meaning:
          'There is nothing to run; what was there is lost. Somebody has changed these keys by hand, or Redis has evicted one.',
        remedy: `redis-cli ZREM ${quoted(doctor.keys.retry)} ${bare.slice(0, 10).map(quoted).join(' ')}`,
        mend: () => doctor.mend.retries(bare),
      });
    }
    if (stray.length > 0) {
      found.push({
        severity: 'error',
        problem: `${counted(stray.length, 'payload')} of retries without a time: ${listed(stray)}.`,
        subjects: stray,
        meaning: 'These jobs would never run again.',
        remedy: `redis-cli ZADD ${quoted(doctor.keys.retry)} NX 0 ${quoted(stray[0] ?? '')}, which makes it due`,
        mend: () => doctor.mend.retries(stray),
      });
    }
    return found;
  },
};
