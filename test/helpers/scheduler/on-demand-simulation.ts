import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { schedulerEnd } from '../../../functions/contract/invocation-end.ts';
import { onDemandLock } from '../../../functions/scheduler/lock.ts';
import { keysOf } from '../../../shared/broker/keys.ts';
import {
  type Clock,
  functionWorkerId,
  type OneTimeSchedule,
  type RedisClient,
  redisLockBroker,
  redisOnDemandBroker,
  redisOnDemandRunBroker,
  redisSchedulerBroker,
  redisWorkerBroker,
  silentLogger,
  type TickResult,
  tickUntil,
  WakeRequester,
} from '../../../shared/internal.ts';
import { NAMESPACE } from '../backends.ts';

const SYSTEM = 'Shop-Jobs';

const MINUTE = 60_000;
/** Of a scheduler's invocation, ms. */
const TIMEOUT = 5 * MINUTE;
export const LEASE = 60_000;
/** For how long a scheduler that died keeps the right to tick, ms. */
const HOLD = 30_000;

interface Event {
  readonly at: number;
  readonly happen: () => unknown;
}

/**
 * A deployment without a minute tick, in simulated time on a real Redis: EventBridge with its one schedule, Lambda with
 * its retries, schedulers and workers that can be killed.
 */
export class World {
  /** Runs of the scheduler that came to their end, and by how much each was late. */
  readonly lateness: number[] = [];
  runs = 0;
  reclaimed = 0;
  readonly #client: RedisClient;
  readonly #random: () => number;
  readonly #events: Event[] = [];
  readonly #awsAhead: number;
  #now: number;
  #inFlight = 0;
  #sent = 0;
  #armed: Event | undefined;

  /**
   * @param start Redis's time, epoch ms
   * @param awsAhead by how much AWS's clock is ahead of it, ms
   */
  constructor(client: RedisClient, start: number, random: () => number, awsAhead = 0) {
    this.#awsAhead = awsAhead;
    this.#client = client;
    this.#now = start;
    this.#random = random;
  }

  get now(): number {
    return this.#now;
  }

  /** When the schedule goes off, on Redis's clock, epoch ms. */
  get armed(): number | undefined {
    return this.#armed?.at;
  }

  at(time: number, happen: () => unknown): void {
    this.#schedule({ at: Math.max(time, this.#now), happen });
  }

  /** Lets everything happen that is to happen until then. */
  async runUntil(time: number): Promise<void> {
    for (let next = this.#events[0]; next && next.at <= time; next = this.#events[0]) {
      this.#events.shift();
      this.#now = Math.max(this.#now, next.at);
      await next.happen();
      await this.#quiet();
    }
    this.#now = time;
  }

  /** What a doorbell, EventBridge and Lambda's retries do. @param lives how long until it is killed, ms */
  async scheduler(lives = Infinity): Promise<void> {
    this.runs++;
    const { clock, client, schedule, survives, wallTime } = this.#mortal(lives);
    const time = () => this.#now;
    const lockBroker = redisLockBroker(client, NAMESPACE, SYSTEM, time);
    const runs = redisOnDemandRunBroker(client, NAMESPACE, SYSTEM, time);
    const store = redisSchedulerBroker(client, NAMESPACE, time);
    const { lastTickAt } = schedulerEnd(clock.now() + TIMEOUT);
    const holder = randomUUID();
    const lock = onDemandLock({ lock: lockBroker, runs, schedule, holder, clock, wallTime, lastTickAt });
    const deps = { store, clock, log: silentLogger, wait: lock.wait };
    const run = async () => {
      if (!(await lock.begin())) return;
      let last: TickResult | undefined;
      do {
        for (const result of await tickUntil(deps, lock.until)) {
          last = result;
          this.reclaimed += result.reclaimed;
          if (result.promoted + result.retried > 0) this.lateness.push(result.lateness);
        }
      } while (!(await lock.end(last, false)));
    };
    // Lambda tries an asynchronous invocation again a minute after it failed.
    if (await survives(run())) return;
    this.at(this.#now + MINUTE, () => void this.scheduler());
    // In Redis its lock expires in real time.
    this.at(this.#now + HOLD, () => redisLockBroker(this.#client, NAMESPACE, SYSTEM).release(holder));
  }

  /** A worker that has a lease for a while, and does something meanwhile. @param lives until it is killed, ms */
  async worker(work: (wake: WakeRequester, clock: Clock) => Promise<void>, lives = Infinity): Promise<void> {
    const { clock, client, schedule, survives, wallTime } = this.#mortal(lives);
    const onDemand = redisOnDemandBroker(client, NAMESPACE, SYSTEM, () => this.#now);
    const wake = new WakeRequester({ store: onDemand, schedule, clock, wallTime });
    const store = redisWorkerBroker(client, NAMESPACE, () => this.#now);
    const worker = functionWorkerId({ system: SYSTEM, consumer: 'default', requestId: randomUUID() }, ['q']);
    const turn = (call: number) => ({
      worker,
      call,
      lease: LEASE,
      settle: [],
      ...(call === 1 ? { register: true as const } : {}),
    });
    const run = async () => {
      await wake.begin(LEASE);
      await store.sync({
        ...turn(1),
        reserve: {
          count: 1,
          bytes: 1e6,
          firstSeq: 1,
          shares: [{ queue: 'q', limit: 1 }],
          listQueues: false,
          countLeft: false,
          suspects: 0,
          alone: 'no',
        },
      });
      await work(wake, clock);
      await wake.end();
      await client.command(['DEL', keysOf(NAMESPACE).inflight(worker)]);
      await store.unregister(worker);
    };
    await survives(run());
  }

  #schedule(event: Event): void {
    const i = this.#events.findIndex((one) => one.at > event.at);
    this.#events.splice(i === -1 ? this.#events.length : i, 0, event);
  }

  /** A process that is killed after some time: nothing of it comes to Redis or AWS any more. */
  #mortal(lives: number) {
    const dies = this.#now + lives;
    let killed = () => {};
    const death = new Promise<false>((resolve) => {
      killed = () => resolve(false);
    });
    if (lives !== Infinity) this.at(dies, killed);
    const alive = () => this.#now < dies;
    const never = new Promise<never>(() => {});
    const send = async <Answer>(run: () => Promise<Answer>): Promise<Answer> => {
      if (!alive()) return never;
      this.#inFlight++;
      this.#sent++;
      try {
        return await run();
      } finally {
        this.#inFlight--;
      }
    };
    const clock: Clock = {
      // It only measures.
      now: () => this.#now - 1_000_000_000_000,
      after: (ms, callback) => {
        const event: Event = { at: this.#now + Math.max(0, ms), happen: () => alive() && callback() };
        this.#schedule(event);
        return () => this.#drop(event);
      },
    };
    const client: RedisClient = {
      ...this.#client,
      command: (args) => send(() => this.#client.command(args)),
      script: (script, keys, args) => send(() => this.#client.script(script, keys, args)),
    };
    const schedule: OneTimeSchedule = { set: async (at) => (alive() ? this.#arm(at) : never) };
    const survives = (run: Promise<void>): Promise<boolean> => Promise.race([run.then(() => true), death]);
    const wallTime = () => this.#now + this.#awsAhead;
    return { clock, client, schedule, survives, wallTime };
  }

  /** EventBridge starts the scheduler within the minute that begins then. */
  #arm(at: number | undefined): void {
    if (this.#armed) this.#drop(this.#armed);
    this.#armed = undefined;
    if (at === undefined) return;
    const wallTime = this.#now + this.#awsAhead;
    if (at % MINUTE !== 0 || at < wallTime) throw new Error(`${at} is no minute to come`);
    const event: Event = {
      at: at - this.#awsAhead + this.#random() * (MINUTE - 1),
      happen: () => {
        if (this.#armed === event) this.#armed = undefined;
        void this.scheduler(this.#random() < 0.1 ? this.#random() * 1_000 : Infinity);
      },
    };
    this.#armed = event;
    this.#schedule(event);
  }

  #drop(event: Event): void {
    const i = this.#events.indexOf(event);
    if (i >= 0) this.#events.splice(i, 1);
  }

  /** Everybody waits for the clock. */
  async #quiet(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      const sent = this.#sent;
      await turn();
      quiet = this.#inFlight === 0 && this.#sent === sent ? quiet + 1 : 0;
    }
  }
}
