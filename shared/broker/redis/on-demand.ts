import { keysOf } from '../keys.ts';
import { acknowledgeWake, requestWake } from '../scripts/on-demand-request.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { type TimeSource, timedScripts } from './time.ts';

/**
 * The part of the seam for systems without a minute tick: when the scheduler is to run next. A schedule outside of Redis
 * starts it then. Redis has the time that counts, and knows whether the schedule was set to it: each change is a version, and
 * whoever made it sets the schedule. Its clock is not Redis's, so only differences of time are exchanged.
 */
export interface OnDemandBroker {
  /**
   * Ask for a run in so many ms or before.
   * @param look the scheduler must look then whatever it knows: what it is about is not in Redis yet
   */
  request(within: number, look: boolean): Promise<WakeAnswer>;
  /** The schedule has been set. @returns what to set it to instead, if that has changed meanwhile */
  acknowledge(order: ScheduleOrder): Promise<ScheduleOrder | undefined>;
}

interface WakeAnswer {
  /** Redis's time, epoch ms. */
  readonly now: number;
  /** Undefined if the schedule goes off early enough. */
  readonly order: ScheduleOrder | undefined;
}

/** What the schedule is to be set to. */
export interface ScheduleOrder {
  readonly version: number;
  /** Milliseconds from now; undefined for never. */
  readonly within: number | undefined;
}

/** @param system whose scheduler it is: each has a schedule of its own, which starts its own consumers */
export function redisOnDemandBroker(
  client: RedisClient,
  namespace: string,
  system: string,
  time?: TimeSource,
): OnDemandBroker {
  const keys = keysOf(namespace);
  const wake = keys.wake(system);
  const lock = keys.schedulerLease(system);
  const script = timedScripts(client, time);
  return {
    async request(within, look) {
      const answer = await script(requestWake, [wake, lock], [Math.ceil(within), look ? 1 : 0]);
      return { now: Number(list(answer)[0]), order: orderOf(answer) };
    },

    acknowledge: async ({ version }) => orderOf(await script(acknowledgeWake, [wake], [version])),
  };
}

/** @param answer {time, version, in how many ms} */
export function orderOf(answer: Reply): ScheduleOrder | undefined {
  const [, version, within] = list(answer);
  if (version === undefined) return undefined;
  return { version: Number(version), within: text(within) === '' ? undefined : Number(text(within)) };
}
