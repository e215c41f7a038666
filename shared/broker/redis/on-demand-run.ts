import type { TickSnapshot } from '../broker.ts';
import { keysOf } from '../keys.ts';
import { beginRun, endRun, extendRun, LOOK_AGAIN } from '../scripts/on-demand-run.ts';
import { list, type RedisClient } from './client.ts';
import { CronReader, cronStateKeys } from './cron-state.ts';
import { dueTimesArguments, dueTimesKeys, dueTimesOf } from './due-times.ts';
import { type OnDemandBroker, orderOf, redisOnDemandBroker, type ScheduleOrder } from './on-demand.ts';
import { type TimeSource, timedScripts } from './time.ts';

/** The part of the seam for systems without a minute tick, as the scheduler needs it: its runs. */
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

/** @param system whose scheduler it is; see `redisOnDemandBroker` @param reader what was read of cron entries before */
export function redisOnDemandRunBroker(
  client: RedisClient,
  namespace: string,
  system: string,
  time?: TimeSource,
  reader = new CronReader(),
): OnDemandRunBroker {
  const keys = keysOf(namespace);
  const wake = keys.wake(system);
  const lock = keys.schedulerLease(system);
  const script = timedScripts(client, time);
  return {
    ...redisOnDemandBroker(client, namespace, system, time),

    async begin(holder, ms) {
      const scriptKeys = [wake, lock, ...dueTimesKeys(keys), ...cronStateKeys(keys)];
      const look = reader.look(keys);
      const args = [holder, ms, ...dueTimesArguments(), ...look.arguments];
      const [held, due, cron] = list(await script(beginRun, scriptKeys, args));
      return held === 1 ? { due: dueTimesOf(due), cron: look.stateOf(cron) } : undefined;
    },

    extend: async (holder, ms) => (await client.script(extendRun, [wake, lock], [holder, ms])) === 1,

    async end(holder, within, lookWithin) {
      const ms = (value: number | undefined) => (value === undefined ? '' : Math.ceil(value));
      const answer = await script(endRun, [wake, lock], [holder, ms(within), ms(lookWithin)]);
      return list(answer)[1] === LOOK_AGAIN ? 'again' : orderOf(answer);
    },
  };
}
