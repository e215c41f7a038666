import { keysOf } from '../keys.ts';
import { ackWake, requestWake } from '../scripts/on-demand-request.ts';
import { beginRun, endRun, extendRun, LOOK_AGAIN } from '../scripts/on-demand-run.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/**
 * The part of the seam for systems without a minute tick: when the scheduler is to run next. An alarm clock outside Redis
 * starts it then. Redis has the time that counts, and knows whether the clock has been told: each change is a version, and
 * whoever made it tells the clock.
 */
export interface OnDemandBroker {
  /**
   * Ask for a run at `at` (epoch ms) or before.
   * @param cover the scheduler must look then whatever it knows: what it is about is not in Redis yet
   * @returns what to tell the clock; undefined if it goes off early enough
   */
  ask(at: number, now: number, cover: boolean): Promise<ScheduleOrder | undefined>;
  /** The clock has been told. @returns what to tell it instead, if that has changed meanwhile */
  told(order: ScheduleOrder): Promise<ScheduleOrder | undefined>;
}

/** And for the scheduler, whose runs these are. */
export interface OnDemandRunBroker extends OnDemandBroker {
  /** Begin a run. @param ms how long it has the right to tick  @returns false while another has it */
  begin(holder: string, ms: number, now: number): Promise<boolean>;
  /** Extend the right to tick by `ms`. @returns whether another look was asked for since the last call */
  heed(holder: string, ms: number): Promise<boolean>;
  /**
   * End a run and give up its right to tick.
   * @param next when the next run is needed, epoch ms
   * @param inAnyCase end even if another look was asked for: there is no time for it
   * @returns what to tell the clock, if anything; or 'again' if another look was asked for meanwhile: then it has not ended
   */
  end(
    holder: string,
    next: number | undefined,
    now: number,
    lookNext?: number,
  ): Promise<ScheduleOrder | 'again' | undefined>;
}

/** What the alarm clock is to be told. */
export interface ScheduleOrder {
  readonly version: number;
  /** Epoch ms; undefined for never. */
  readonly at: number | undefined;
}

export function redisOnDemandBroker(client: RedisClient, namespace: string): OnDemandBroker {
  const { wake, schedulerLease } = keysOf(namespace);
  return {
    ask: async (at, now, cover) =>
      orderOf(await client.script(requestWake, [wake, schedulerLease], [at, now, cover ? 1 : 0])),

    told: async ({ version }) => orderOf(await client.script(ackWake, [wake], [version])),
  };
}

export function redisOnDemandRunBroker(client: RedisClient, namespace: string): OnDemandRunBroker {
  const { wake, schedulerLease } = keysOf(namespace);
  return {
    ...redisOnDemandBroker(client, namespace),

    begin: async (holder, ms, now) => (await client.script(beginRun, [wake, schedulerLease], [holder, ms, now])) === 1,

    heed: async (holder, ms) => (await client.script(extendRun, [wake, schedulerLease], [holder, ms])) === 1,

    async end(holder, next, now, lookNext) {
      const answer = await client.script(endRun, [wake, schedulerLease], [holder, next ?? '', now, lookNext ?? '']);
      return list(answer)[0] === LOOK_AGAIN ? 'again' : orderOf(answer);
    },
  };
}

function orderOf(answer: Reply): ScheduleOrder | undefined {
  const [version, at] = list(answer);
  if (version === undefined) return undefined;
  return { version: Number(version), at: text(at) === '' ? undefined : Number(text(at)) };
}
