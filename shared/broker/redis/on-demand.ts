import type { TickSnapshot } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { acknowledgeWake, requestWake } from '../scripts/on-demand-request.ts';
import { beginRun, endRun, extendRun, LOOK_AGAIN } from '../scripts/on-demand-run.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';
import { cronStateKeys, cronStateOf } from './cron-state.ts';
import { dueTimesArguments, dueTimesKeys, dueTimesOf } from './due-times.ts';
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

/** And for the scheduler, whose runs these are. */
export interface OnDemandRunBroker extends OnDemandBroker {
  /**
   * Begin a run. @param ms how long it has the right to tick
   * @returns what the tick looks at first; undefined while another has that right
   */
  begin(holder: string, ms: number): Promise<TickSnapshot | undefined>;
  /** Extend the right to tick by `ms`. @returns whether another look was requested since the last call */
  extend(holder: string, ms: number): Promise<boolean>;
  /**
   * End a run and give up its right to tick.
   * @param within ms until the next run is needed; undefined if none is
   * @param lookWithin end even if another look was requested: there is no time for it. That look is in so many ms
   * @returns what to set the schedule to, if anything; or 'again' if another look was requested meanwhile: then it has not
   *   ended
   */
  end(holder: string, within: number | undefined, lookWithin?: number): Promise<ScheduleOrder | 'again' | undefined>;
}

export interface WakeAnswer {
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

export function redisOnDemandBroker(client: RedisClient, namespace: string, time?: TimeSource): OnDemandBroker {
  const { wake, schedulerLease } = keysOf(namespace);
  const script = timedScripts(client, time);
  return {
    async request(within, look) {
      const answer = await script(requestWake, [wake, schedulerLease], [Math.ceil(within), look ? 1 : 0]);
      return { now: Number(list(answer)[0]), order: orderOf(answer) };
    },

    acknowledge: async ({ version }) => orderOf(await script(acknowledgeWake, [wake], [version])),
  };
}

export function redisOnDemandRunBroker(client: RedisClient, namespace: string, time?: TimeSource): OnDemandRunBroker {
  const keys = keysOf(namespace);
  const { wake, schedulerLease } = keys;
  const script = timedScripts(client, time);
  return {
    ...redisOnDemandBroker(client, namespace, time),

    async begin(holder, ms) {
      const scriptKeys = [wake, schedulerLease, ...dueTimesKeys(keys), ...cronStateKeys(keys)];
      const [held, due, cron] = list(await script(beginRun, scriptKeys, [holder, ms, ...dueTimesArguments()]));
      return held === 1 ? { due: dueTimesOf(due), cron: cronStateOf(cron, keys) } : undefined;
    },

    extend: async (holder, ms) => (await client.script(extendRun, [wake, schedulerLease], [holder, ms])) === 1,

    async end(holder, within, lookWithin) {
      const ms = (value: number | undefined) => (value === undefined ? '' : Math.ceil(value));
      const answer = await script(endRun, [wake, schedulerLease], [holder, ms(within), ms(lookWithin)]);
      return list(answer)[1] === LOOK_AGAIN ? 'again' : orderOf(answer);
    },
  };
}

/** @param answer {time, version, in how many ms} */
function orderOf(answer: Reply): ScheduleOrder | undefined {
  const [, version, within] = list(answer);
  if (version === undefined) return undefined;
  return { version: Number(version), within: text(within) === '' ? undefined : Number(text(within)) };
}
