import {
  type Clock,
  nextMinute,
  type OnDemandRunBroker,
  type OneTimeSchedule,
  RedisUnavailableError,
  STAY_MS,
  type StatsBroker,
  setSchedule,
  sleep,
  type TickResult,
  type TickSnapshot,
  wakeAfter,
  wakeBefore,
} from 'lambdesque';

/** An invocation's time as the one scheduler that ticks. Two could start workers for the same backlog. */
export interface SchedulerLock {
  /** @returns what the first tick looks at, as far as it is known; undefined if another ticks: then there is nothing to do */
  begin(): Promise<TickSnapshot | undefined>;
  /** To stay for what is due before this time, epoch ms. */
  readonly until: () => number;
  /** @default waits until the time */
  readonly wait?: (until: number) => Promise<void>;
  /** Somebody has asked for this tick: there may be jobs that no tick has moved. */
  readonly rung: boolean;
  /**
   * @param last what the last tick knows
   * @param unattended jobs wait that no worker was started for
   * @returns false if there is something new to look at: then it has not ended
   */
  end(last: TickResult | undefined, unattended: boolean): Promise<boolean>;
  /** After an error. */
  abandon(): Promise<void>;
}

export interface SchedulerLockDeps {
  readonly store: StatsBroker;
  /** Who ticks. */
  readonly holder: string;
  readonly clock: Clock;
  /** When the invocation's time is over, epoch ms. */
  readonly end: number;
}

/** Milliseconds. */
const times = {
  /** Ticks are a minute apart: one that knows of something due before the next stays so long. */
  stay: 57_000,
  /** Kept of the function's time for the last tick. */
  margin: 5_000,
  /** How long to wait for a tick that is about to end, and between two looks. */
  patience: 5_000,
  look: 500,
  /** The right to tick outlives the stay by this, for a last tick that takes long. */
  reserve: 15_000,
  /** On demand, the right is extended each time that somebody's ring is listened for. */
  listen: 2_000,
  hold: 30_000,
  /** How soon to look again at jobs that nobody works on: workers are paused. */
  unattended: 300_000,
  /** No alarm is set for later: who knows what a due time of the year 50,000 is. */
  longest: 30 * 24 * 3_600_000,
};

/** One run each minute. */
export function minuteLock({ store, holder, clock, end }: SchedulerLockDeps): SchedulerLock {
  const begin = clock.now();
  const until = Math.min(begin + times.stay, end - times.margin);
  const release = () => store.releaseScheduler(holder);
  return {
    begin: () => hold(store, holder, until - begin + times.reserve, clock),
    until: () => until,
    rung: false,
    async end() {
      // It expires by itself where Redis is away.
      await release().catch(() => {});
      return true;
    },
    abandon: () => release().catch(() => {}),
  };
}

/** A run when something is due, or somebody asks; its end sets the time of the next one. */
export function onDemandLock(
  setting: SchedulerLockDeps & { wake: OnDemandRunBroker; alarm: OneTimeSchedule },
): SchedulerLock {
  const { store, wake, alarm, holder, clock, end } = setting;
  let rung = false;
  const take = async () => {
    const isOurs = await persist(clock, () => wake.begin(holder, times.hold, clock.now()));
    return isOurs ? {} : undefined;
  };
  const tell = (order: Parameters<typeof setSchedule>[3]) => setSchedule(wake, alarm, clock, order);
  return {
    async begin() {
      const outlook = await take();
      if (outlook) return outlook;
      // Whoever ticks now hears of it and looks again; should he be dead, the alarm comes when his right has expired.
      const now = clock.now();
      await tell(await persist(clock, () => wake.ask(nextMinute(now + times.hold), now, true)));
      return take();
    },
    until: () => Math.min(clock.now() + STAY_MS, end - times.margin),
    async wait(until) {
      rung = false;
      for (let now = clock.now(); now < until && !rung; now = clock.now()) {
        await sleep(clock, Math.min(until - now, times.listen));
        rung = await wake.heed(holder, times.hold);
      }
    },
    get rung() {
      return rung;
    },
    async end(tick, unattended) {
      const { nextAt, leaseEnd } = tick ?? {};
      const now = clock.now();
      const needs = [
        nextAt === undefined ? Infinity : wakeBefore(nextAt, now),
        leaseEnd === undefined ? Infinity : wakeAfter(leaseEnd, now),
        unattended ? wakeAfter(now + times.unattended, now) : Infinity,
      ];
      const next = Math.min(...needs);
      // Its time is nearly over: whoever has rung gets a run of its own.
      const lookNext = now >= end - times.margin ? nextMinute(now) : undefined;
      const at = next === Infinity ? undefined : Math.min(next, now + times.longest);
      const order = await persist(clock, () => wake.end(holder, at, now, lookNext));
      rung = order === 'again';
      if (order === 'again') {
        // Rings that come without a pause are answered every now and then.
        await sleep(clock, times.listen);
        await wake.heed(holder, times.hold);
        return false;
      }
      await tell(order);
      return true;
    },
    abandon: () => store.releaseScheduler(holder).catch(() => {}),
  };
}

/** Waits a little for the tick before. */
async function hold(store: StatsBroker, holder: string, ms: number, clock: Clock): Promise<TickSnapshot | undefined> {
  const giveUpAt = clock.now() + times.patience;
  for (;;) {
    const outlook = await persist(clock, () => store.holdScheduler(holder, ms));
    if (outlook || clock.now() >= giveUpAt) return outlook;
    await sleep(clock, times.look);
  }
}

/** Tries again: a connection may not have survived the sleep of the environment. */
async function persist<Answer>(clock: Clock, run: () => Promise<Answer>): Promise<Answer> {
  for (let failures = 1; ; failures++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof RedisUnavailableError) || failures === 3) throw error;
      await sleep(clock, times.look);
    }
  }
}
