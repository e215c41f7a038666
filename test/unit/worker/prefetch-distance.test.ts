/**
 * What a worker reserves ahead, by its distance from Redis. Time is simulated: a job that does nothing takes 10 µs of it,
 * about what one takes on a real machine, and how fast the machine is on which this runs does not matter.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import {
  createEnqueuer,
  createRegistry,
  parseQueues,
  type redisBroker,
  silentLogger,
  Worker,
  workerId,
  workerOptions,
} from '../../../shared/internal.ts';
import { FarRedis } from '../../helpers/far-broker.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const CONCURRENCY = 25;
/** Of a job that does nothing, ms of the processor: 100,000 a second. */
const QUICK = 0.01;
/** Of a job that waits, ms: at this concurrency 1,000 a second, a hundredth. */
const SLOW = 25;
const SLOW_RATE = CONCURRENCY / SLOW;
/** Longest time that a job may be held without being started, beside a round trip, ms. */
const HOLD = 200;
/** An idle worker looks so often, ms. */
const INTERVAL = 10;
/** Time moves on in steps of so much, ms. */
const STEP = 1;
/** Turns of the event loop without anything new, after which nothing more happens without time. */
const CALM = 8;

/** ms, and the jobs that do nothing for each round trip, once it is known. A Redis beside the worker is 1 ms away. */
const distances: readonly (readonly [rtt: number, perTrip: number])[] = [
  [1, 80],
  [20, 1_000],
  [60, 1_800],
  [100, 2_000],
  [150, 2_000],
];

/** After so long it is known how quick jobs are, ms: ten round trips, or, near, what it takes to count enough of them. */
const known = (rtt: number) => Math.max(10 * rtt, 200);

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

class Scene {
  readonly clock = new ManualClock();
  readonly redis: FarRedis;
  slow = false;
  started = 0;
  #ended = 0;
  #workers = 0;

  constructor(rtt: number) {
    this.redis = new FarRedis(this.clock, rtt);
  }

  start() {
    const { clock, redis } = this;
    const state = { running: 0 };
    const job = defineJob({
      class: 'Job',
      perform: ([id]) => {
        redis.started(Number(id));
        this.started++;
        if (this.slow) return this.#wait(state);
        clock.block(QUICK);
        this.#ended++;
        return undefined;
      },
    });
    const registry = createRegistry([job]);
    const store = redis.broker();
    const worker = workerId(`far${++this.#workers}`, process.pid, [redis.queue]);
    const one = new Worker({
      store,
      registry,
      client: createEnqueuer({ store: store as ReturnType<typeof redisBroker>, clock, registry }),
      queues: parseQueues(redis.queue),
      options: workerOptions({ concurrency: CONCURRENCY, interval: `${INTERVAL}ms`, logRuns: false }),
      worker,
      clock,
      log: silentLogger,
    });
    const ended = one.run();
    ends.push(async () => {
      one.stop();
      let over = false;
      void ended.finally(() => {
        over = true;
      });
      while (!over) await this.pass(STEP);
      await ended;
    });
    return { worker, isIdle: () => state.running === 0 };
  }

  /** Lets time pass, and all that happens in it. */
  async pass(ms: number, look?: (now: number) => void): Promise<void> {
    const end = this.clock.now() + ms;
    // What the processor is kept with moves time on as well.
    while (this.clock.now() < end) {
      await this.clock.advance(STEP);
      for (let calm = 0, before = -1; calm < CALM; calm++) {
        const now = this.started + this.#ended + this.redis.syncs.length;
        if (now !== before) calm = 0;
        before = now;
        await turn();
      }
      look?.(this.clock.now());
    }
  }

  /** @returns jobs started in the next round trips, for each of them */
  async rate(trips: number, rtt: number): Promise<number> {
    const [startedBefore, began] = [this.started, this.clock.now()];
    await this.pass(trips * rtt);
    return (this.started - startedBefore) / ((this.clock.now() - began) / rtt);
  }

  async #wait(state: { running: number }): Promise<void> {
    state.running++;
    await new Promise<void>((resolve) => this.clock.after(SLOW, resolve));
    state.running--;
    this.#ended++;
  }
}

describe.each(distances)('%d ms from Redis', (rtt, perTrip) => {
  test(`at least ${perTrip} jobs that do nothing run in each round trip, once it is known how quick they are`, async () => {
    const scene = new Scene(rtt);
    scene.start();
    await scene.pass(known(rtt));
    expect(await scene.rate(5, rtt)).toBeGreaterThanOrEqual(perTrip);
  });

  test('jobs that wait keep every place busy', async () => {
    const scene = new Scene(rtt);
    scene.slow = true;
    scene.start();
    await scene.pass(known(rtt));
    expect(await scene.rate(20, rtt)).toBeGreaterThanOrEqual(0.9 * SLOW_RATE * rtt);
  });

  test('three round trips after jobs have become 100 times slower, no more are asked for than run soon', async () => {
    const scene = new Scene(rtt);
    const { worker } = scene.start();
    await scene.pass(known(rtt));
    scene.slow = true;
    await scene.pass(3 * rtt);
    const before = scene.redis.syncs.length;
    await scene.pass(10 * rtt + HOLD);
    const soon = SLOW_RATE * (HOLD + 2 * rtt) + CONCURRENCY;
    expect(Math.max(...scene.redis.syncs.slice(before).map(({ wanted }) => wanted))).toBeLessThanOrEqual(soon);
    expect(scene.redis.unstarted(worker)).toBeLessThanOrEqual(soon);
    expect(await scene.rate(20, rtt)).toBeGreaterThanOrEqual(0.9 * SLOW_RATE * rtt);
  });

  test('ten round trips after they have become quick again, as many run in each', async () => {
    const scene = new Scene(rtt);
    scene.slow = true;
    scene.start();
    await scene.pass(known(rtt));
    scene.slow = false;
    await scene.pass(known(rtt));
    expect(await scene.rate(5, rtt)).toBeGreaterThanOrEqual(perTrip);
  });
});

describe.each(distances)('%d ms from Redis, when quick jobs become slow,', (rtt) => {
  /** A worker that holds as many jobs as are right for quick ones, which have just become slow. */
  async function surprised() {
    const scene = new Scene(rtt);
    const { worker, isIdle } = scene.start();
    await scene.pass(known(rtt));
    scene.slow = true;
    // What was asked for before has come, or is on its way.
    await scene.pass(rtt);
    return { scene, worker, isIdle };
  }

  test(`none is held unstarted for longer than ${HOLD} ms and a round trip`, async () => {
    const { scene } = await surprised();
    await scene.pass(2 * HOLD + 10 * rtt);
    expect(scene.redis.longestHold).toBeGreaterThan(0);
    // What was asked for before goes back with the first sync that knows; far away that is what takes longest.
    expect(scene.redis.longestHold).toBeLessThanOrEqual(Math.max(HOLD + rtt, 2.5 * rtt) + STEP);
  });

  test('an idle worker gets the ones that are held unstarted in time', async () => {
    const { scene, ...one } = await surprised();
    scene.redis.end();
    const other = scene.start();
    let since: number | undefined;
    let longest = 0;
    await scene.pass(5 * HOLD + 10 * rtt, (now) => {
      const unfair =
        (other.isIdle() && scene.redis.unstarted(one.worker) > 0) ||
        (one.isIdle() && scene.redis.unstarted(other.worker) > 0);
      since = unfair ? (since ?? now) : undefined;
      longest = Math.max(longest, now - (since ?? now));
    });
    // What is given back is found at the next look, which takes a round trip.
    expect(longest).toBeLessThanOrEqual(HOLD + rtt + INTERVAL + rtt);
  });
});
