import { type Check, counted, type Diagnosis, listed, quoted } from '../finding.ts';

/** Due times, and lists, that are looked at. */
const MOST = 5_000;
const LIST = /^delayed:(-?\d+)$/;

export const delayedTimes: Check = {
  name: 'delayed-times',
  async run({ deps, names }) {
    const { doctor, scheduled } = deps;
    const times = (await scheduled.delayedTimes(undefined, MOST)).map(({ name }) => name);
    const types = await doctor.types(times.map((time) => doctor.keys.delayed(time)));
    const empty = times.filter((_, i) => types[i] === 'none');
    const lists = (await names()).names.flatMap((name) => LIST.exec(name)?.[1] ?? []).slice(0, MOST);
    const unscheduled = await doctor.unscheduled(lists);
    const now = (await deps.store.time()) / 1_000;
    const past = unscheduled.filter((time) => Number(time) <= now);
    const future = unscheduled.filter((time) => Number(time) > now);
    const { delayedSchedule } = doctor.keys;
    const found: Diagnosis[] = [];
    const without = (some: readonly string[]) =>
      `${counted(some.length, 'list')} of delayed jobs ${some.length === 1 ? 'is' : 'are'} on no schedule: ${listed(some.map(doctor.keys.delayed))}.`;
    if (empty.length > 0) {
      found.push({
        severity: 'notice',
        problem: `${counted(empty.length, 'due time')} of delayed jobs ${empty.length === 1 ? 'has' : 'have'} no list: ${listed(empty)}.`,
        subjects: empty,
        meaning: 'There is nothing to promote. A scheduler that was killed between two steps leaves such times.',
        remedy: `redis-cli ZREM ${quoted(delayedSchedule)} ${empty.slice(0, 10).map(quoted).join(' ')}`,
        mend: () => doctor.mend.delayed(empty),
      });
    }
    if (future.length > 0) {
      found.push({
        severity: 'error',
        problem: without(future),
        subjects: future,
        meaning: 'Their jobs would never run. The producer was killed between two steps.',
        remedy: `redis-cli ZADD ${quoted(delayedSchedule)} NX ${future[0]} ${future[0]}`,
        mend: () => doctor.mend.delayed(future),
      });
    }
    if (past.length > 0) {
      found.push({
        severity: 'error',
        problem: without(past),
        subjects: past,
        meaning: 'Their jobs never ran, and their time is over. Look at them: they may be wanted no more.',
        remedy: `redis-cli LRANGE ${quoted(doctor.keys.delayed(past[0] ?? ''))} 0 9; to run them, redis-cli ZADD ${quoted(delayedSchedule)} NX ${past[0]} ${past[0]}, else DEL the list`,
      });
    }
    return found;
  },
};
