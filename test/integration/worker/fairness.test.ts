import { setImmediate as eventLoop } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import {
  type Broker,
  createEnqueuer,
  createRegistry,
  parseQueues,
  silentLogger,
  Worker,
  workerId,
  workerOptions,
} from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** Simulated milliseconds between two looks. */
const STEP = 10;
/** Jobs that one worker holds and has not started may keep another idle for so long, ms: as the README says. */
const UNFAIR = 200;

/** A repeatable row of numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const mixes: readonly [name: string, length: (random: number, i: number) => number][] = [
  ['1 ms to 2 s', (random) => Math.ceil(2_000 ** random)],
  ['quick ones, then slow ones', (_random, i) => (i < 200 ? 1 : 2_000)],
  ['a slow one among twenty quick ones', (random, i) => (i % 20 === 0 ? 2_000 : 1 + 10 * random)],
];

withBrokers((stores) => {
  describe.each(mixes)('three workers on one queue, jobs of %s', (_name, length) => {
    test.each([1, 4])(
      'none is idle while another holds jobs that it does not start, concurrency %d',
      async (concurrency) => {
        const clock = new ManualClock();
        const random = randomFrom(11);
        const lengths = Array.from({ length: concurrency === 1 ? 150 : 300 }, (_, i) => length(random(), i));
        await stores.produce('q', ...lengths.map((ms, i) => JSON.stringify({ class: 'Job', args: [i, ms] })));

        let sending = 0;
        const workers = Array.from({ length: 3 }, () => {
          const begun = new Set<number>();
          let running = 0;
          const job = defineJob({
            class: 'Job',
            async perform([id, ms]) {
              begun.add(Number(id));
              running++;
              await new Promise<void>((resolve) => clock.after(Number(ms), resolve));
              running--;
            },
          });
          const store = counted(stores.open(), (by) => {
            sending += by;
          });
          const registry = createRegistry([job]);
          const worker = workerId('fair', process.pid, ['q']);
          const consumer = new Worker({
            store,
            registry,
            client: createEnqueuer({ store, clock, registry }),
            queues: parseQueues('q'),
            // It looks as often as a worker of its own would be started: what others give back is there to be taken.
            options: workerOptions({ concurrency, interval: '50ms', logRuns: false }),
            worker,
            clock,
            log: silentLogger,
          });
          return { worker, consumer, begun, ended: consumer.run(), idle: () => running < concurrency };
        });
        const quiet = async () => {
          for (let calm = 0; calm < 4; calm = sending === 0 ? calm + 1 : 0) await eventLoop();
        };

        const waitsSince = new Map<string, number>();
        let unfair = 0;
        for (let done = 0; done < lengths.length; ) {
          await clock.advance(STEP);
          await quiet();
          for (const { worker, begun } of workers) {
            const held = Object.entries(await stores.db.hgetall(stores.keys.inflight(worker)));
            const unstarted = held.some(
              ([field, payload]) =>
                field.includes(':') && !begun.has((JSON.parse(payload) as { args: [number] }).args[0]),
            );
            const another = workers.some((one) => one.worker !== worker && one.idle());
            if (!unstarted || !another) waitsSince.delete(worker);
            else if (!waitsSince.has(worker)) waitsSince.set(worker, clock.now());
            unfair = Math.max(unfair, clock.now() - (waitsSince.get(worker) ?? clock.now()));
          }
          done = workers.reduce((sum, { consumer }) => sum + consumer.summary.succeeded, 0);
        }
        // Beside round trips: one to learn that another is idle, one to give back; each takes a step, as does a look.
        expect(unfair).toBeLessThanOrEqual(UNFAIR + 3 * STEP);

        for (const { consumer } of workers) consumer.stop();
        await quiet();
        await clock.advance(10_000);
        await Promise.all(workers.map((one) => one.ended));
      },
    );
  });
});

/** A store that tells how many of its calls are under way. */
function counted(store: Broker, count: (by: 1 | -1) => void): Broker {
  return {
    ...store,
    async sync(asked) {
      count(1);
      try {
        return await store.sync(asked);
      } finally {
        count(-1);
      }
    },
  };
}
