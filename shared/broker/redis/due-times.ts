import { LAST_DATE } from '../../clock.ts';
import type { DueTimes, LookedThrough, WrongKey } from '../broker.ts';
import { type Keys, keysOf } from '../keys.ts';
import { dueTimes, listDue } from '../scripts/due-times.ts';
import { type Argument, list, type RedisClient, type Reply, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';
import { nameOf, numberOf, shown, wrongKeysOf } from './wrong-keys.ts';

/** A tick's first look, by itself: for a worker that only tells the scheduler when to run next. */
export async function readDueTimes(client: RedisClient, namespace: string, time?: TimeSource): Promise<DueTimes> {
  const answer = await timedScripts(client, time)(dueTimes, dueTimesKeys(keysOf(namespace)), dueTimesArguments());
  return dueTimesOf(answer);
}

/** In the order in which scripts take them. */
export function dueTimesKeys({ rubyScheduler, leases, retry, delayedSchedule, parked, flowsLost }: Keys): string[] {
  return [rubyScheduler, leases, retry, delayedSchedule, parked, flowsLost];
}

export function dueTimesArguments({ leases, retry, delayed, parked }: LookedThrough = {}): Argument[] {
  return [leases ?? '', retry ?? '', delayed ?? '', parked ?? ''];
}

/** @param answer of the script */
export function dueTimesOf(answer: Reply | undefined): DueTimes {
  const [now, ruby, leases, retry, delayed, wrong, parked, lost] = list(answer);
  // A score that is no time, such as inf, is nobody's due time.
  const time = (score: Reply | undefined, unit: number) => {
    const ms = text(score) === '' ? Number.NaN : Number(text(score)) * unit;
    return Math.abs(ms) <= LAST_DATE ? ms : text(score) === '-inf' ? 0 : undefined;
  };
  const parkedAt = time(parked, 1);
  return {
    now: Number(now),
    leaseEnd: time(leases, 1),
    retry: time(retry, 1),
    delayed: time(delayed, 1000),
    ...(parkedAt === undefined ? {} : { parked: parkedAt }),
    ...(lost === 1 ? { lostSteps: true } : {}),
    ...(ruby === 1 ? { rubyScheduler: true } : {}),
    wrong: wrongKeysOf(wrong),
  };
}

/** Members of a sorted set that are due. */
interface Due {
  readonly members: readonly DueMember[];
  /** Members that are no names; they stay where they are. */
  readonly unusable: number;
  /** There may be more behind them. */
  readonly more: boolean;
  readonly wrong: readonly WrongKey[];
}

interface DueMember {
  readonly name: string;
  readonly score: number;
}

/**
 * The first due members of a sorted set, in order.
 * @param unit milliseconds in a unit of the scores  @param passed how many of the first to pass over
 */
export async function readDue(
  script: RedisClient['script'],
  key: string,
  { unit, passed, limit }: { readonly unit: number; readonly passed: number; readonly limit: number },
): Promise<Due> {
  const [reply, wrong] = list(await script(listDue, [key], [unit, passed, limit]));
  const flat = list(reply);
  const members: DueMember[] = [];
  let unusable: Reply | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    const name = nameOf(flat[i]);
    if (name === undefined) unusable ??= flat[i];
    else members.push({ name, score: numberOf(text(flat[i + 1])) });
  }
  const count = flat.length / 2;
  const error = `its member ${shown(unusable)} is no name: it is not UTF-8, or too long`;
  return {
    members,
    unusable: count - members.length,
    more: count === limit,
    wrong: [...wrongKeysOf(wrong), ...(unusable === undefined ? [] : [{ key, error }])],
  };
}
