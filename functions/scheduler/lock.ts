import { RedisUnavailableError } from '../../shared/index.ts';
import {
  type Clock,
  type LockBroker,
  nextMinute,
  type OnDemandRunBroker,
  type OneTimeSchedule,
  type ScheduleOrder,
  STAY_MS,
  setSchedule,
  sleep,
  type TickResult,
  type TickSnapshot,
  wakeAfter,
  wakeBefore,
} from '../../shared/internal.ts';

/** An invocation's hold of the scheduler's lock. Two that tick at once could start workers for the same backlog. */
export interface SchedulerLock {
  /** @returns what the first tick looks at; undefined if another ticks: then there is nothing to do */
  begin(): Promise<TickSnapshot | undefined>;
  /** To stay for what is due before this time, on the clock, ms. */
  readonly until: () => number;
  /** @default waits until the time */
  readonly wait?: (until: number) => Promise<void>;
  /** Somebody has asked for this tick: there may be jobs that no tick has moved. */
  readonly requested: boolean;
  /** Called now and then during a long tick, so that it keeps the lock. */
  keep(): Promise<void>;
  /**
   * @param last what the last tick knows
   * @param unattended jobs wait that no worker was started for
   * @returns false if there is something new to look at: then it has not ended
   */
  end(last: TickResult | undefined, unattended: boolean): Promise<boolean>;
  /** After an error. */
  abandon(): Promise<void>;
}

interface LockDeps {
  readonly lock: LockBroker;
  /** Who ticks. */
  readonly holder: string;
  readonly clock: Clock;
  /** When the last tick of the invocation has to begin, on the clock, ms. */
  readonly lastTickAt: number;
}

interface OnDemandLockDeps extends LockDeps {
  readonly runs: OnDemandRunBroker;
  readonly schedule: OneTimeSchedule;
  /** The schedule's own clock, epoch ms: AWS's. */
  readonly wallTime: () => number;
}

/** Milliseconds. */
const times = {
  /** Ticks are a minute apart: one that knows of something due before the next stays so long. */
  stay: 57_000,
  /** How long to wait for a tick that is about to end, and between two looks. */
  patience: 5_000,
  look: 500,
  /** The lock outlives the stay by this, for a last tick that takes long. */
  reserve: 15_000,
  /** On demand, the lock is extended each time that somebody's request is looked for. */
  listen: 2_000,
  hold: 30_000,
  /** How soon to look again at jobs that nobody works on: workers are paused. */
  unattended: 300_000,
  /** No run is set for later: who knows what a due time of the year 50,000 is. */
  longest: 30 * 24 * 3_600_000,
};

/** One run each minute. */
export function minuteLock({ lock, holder, clock, lastTickAt }: LockDeps): SchedulerLock {
  const begin = clock.now();
  const until = Math.min(begin + times.stay, lastTickAt);
  const release = () => lock.release(holder);
  return {
    begin: () => acquire(lock, holder, until - begin + times.reserve, clock),
    until: () => until,
    requested: false,
    // It is held for as long as an invocation stays.
    async keep() {},
    async end() {
      // It expires by itself where Redis is away.
      await release().catch(() => {});
      return true;
    },
    abandon: () => release().catch(() => {}),
  };
}

/** A run when something is due, or somebody asks; its end sets the time of the next one. */
export function onDemandLock(deps: OnDemandLockDeps): SchedulerLock {
  const { lock, runs, schedule, holder, clock, wallTime, lastTickAt } = deps;
  let requested = false;
  let extended = clock.now();
  const extend = async () => {
    extended = clock.now();
    if (await runs.extend(holder, times.hold)) requested = true;
  };
  const take = () => persist(clock, () => runs.begin(holder, times.hold));
  const set = (order: ScheduleOrder | undefined) => setSchedule(runs, schedule, wallTime, order);
  return {
    async begin() {
      const snapshot = await take();
      if (snapshot) return snapshot;
      // Whoever ticks now hears of it and looks again; should he be dead, the schedule goes off when his lock has expired.
      const now = wallTime();
      const { order } = await persist(clock, () => runs.request(nextMinute(now + times.hold) - now, true));
      await set(order);
      return take();
    },
    until: () => Math.min(clock.now() + STAY_MS, lastTickAt),
    async wait(until) {
      requested = false;
      for (let now = clock.now(); now < until && !requested; now = clock.now()) {
        await sleep(clock, Math.min(until - now, times.listen));
        await extend();
      }
    },
    get requested() {
      return requested;
    },
    async keep() {
      if (clock.now() - extended >= times.hold / 3) await extend();
    },
    async end(tick, unattended) {
      const now = wallTime();
      // Its time is nearly over: whoever has asked gets a run of its own.
      const lookWithin = clock.now() >= lastTickAt ? nextMinute(now) - now : undefined;
      const within = nextRunIn(tick, unattended, now);
      const order = await persist(clock, () => runs.end(holder, within, lookWithin));
      requested = order === 'again';
      if (order === 'again') {
        // Requests that come without a pause are answered every now and then.
        await sleep(clock, times.listen);
        await extend();
        requested = true;
        return false;
      }
      await set(order);
      return true;
    },
    abandon: () => lock.release(holder).catch(() => {}),
  };
}

/**
 * In how many ms the next run is needed, at a full minute on the schedule's clock. What lies between two times is the same
 * on Redis's clock and on the schedule's.
 * @param now on the schedule's clock, epoch ms
 */
function nextRunIn(tick: TickResult | undefined, unattended: boolean, now: number): number | undefined {
  const onWall = (time: number) => now + time - (tick?.endedAt ?? time);
  const needs = [
    tick?.nextAt === undefined ? Infinity : wakeBefore(onWall(tick.nextAt), now),
    tick?.leaseEnd === undefined ? Infinity : wakeAfter(onWall(tick.leaseEnd), now),
    unattended ? wakeAfter(now + times.unattended, now) : Infinity,
  ];
  const next = Math.min(...needs);
  return next === Infinity ? undefined : Math.min(next - now, times.longest);
}

/** Waits a little for the tick before. */
async function acquire(lock: LockBroker, holder: string, ms: number, clock: Clock): Promise<TickSnapshot | undefined> {
  const giveUpAt = clock.now() + times.patience;
  for (;;) {
    const snapshot = await persist(clock, () => lock.acquire(holder, ms));
    if (snapshot || clock.now() >= giveUpAt) return snapshot;
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
