import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/job/define.ts';
import type { ManualClock } from '../../helpers/manual-clock.ts';
import { gated, payload, payloads, workerWith } from './worker-scene.ts';

const exitOnComplete = true;

/** A handler that holds the event loop for so many ms. */
function burning(ms: number) {
  const held: { clock?: ManualClock } = {};
  const seen: unknown[] = [];
  const job = defineJob({
    class: 'Burn',
    perform([id]) {
      seen.push(id);
      held.clock?.block(ms);
    },
  });
  return { held, seen, job };
}

type Broker = ReturnType<typeof workerWith>['broker'];

const released = (broker: Broker) =>
  broker.syncs.findLastIndex(({ request }) => request.settle.some(({ outcome }) => outcome.kind === 'release'));
const lastLook = (broker: Broker) => broker.syncs.findLastIndex(({ request }) => request.reserve !== undefined);

describe('handlers that hold the event loop', () => {
  test.each([
    [10, 200, 25],
    [300, 40, 25],
    [300, 40, 1],
    [2_000, 12, 25],
  ])('for %i ms: all of %i run at concurrency %i before it says that the queues are empty', async (ms, count, most) => {
    const { held, seen, job } = burning(ms);
    const { broker, clock, drain } = workerWith({ jobs: [job], options: { exitOnComplete, concurrency: most } });
    held.clock = clock;
    broker.roundTrip = 2;
    broker.push('q', ...payloads('Burn', count));
    expect(await drain()).toMatchObject({ succeeded: count, stopped: 'empty', lost: 0 });
    expect(seen.length).toBe(count);
    expect(new Set(seen).size).toBe(count);
    expect(broker.list('q')).toEqual([]);
    // Redis said so after the last of them went back.
    expect(lastLook(broker)).toBeGreaterThan(released(broker));
  });

  test('are reserved one or two at a time once it is known: others may take the rest', async () => {
    const { held, job } = burning(300);
    const { broker, clock, drain } = workerWith({ jobs: [job], options: { exitOnComplete } });
    held.clock = clock;
    broker.push('q', ...payloads('Burn', 60));
    await drain();
    const sizes = broker.syncs.map(({ reply }) => (reply.kind === 'held' ? reply.jobs.length : 0));
    expect(Math.max(...sizes.slice(10))).toBeLessThanOrEqual(2);
  });

  test('in an invocation are not the end of it after the first one', async () => {
    const { held, job } = burning(300);
    const { broker, clock, drain, elapsed } = workerWith({
      jobs: [job],
      options: { exitOnComplete },
      deadline: 900_000,
    });
    held.clock = clock;
    broker.push('q', ...payloads('Burn', 100));
    expect(await drain()).toMatchObject({ succeeded: 100, stopped: 'empty' });
    expect(elapsed()).toBeLessThan(100 * 300 * 1.2);
  });
});

describe('jobs that wait for a place', () => {
  /** One place is taken by a job that goes on and on; another job was reserved behind it. */
  async function late(options = {}) {
    const slow = gated('Slow');
    const Quick = defineJob({ class: 'Quick', perform() {} });
    const scene = workerWith({
      jobs: [slow.job, Quick],
      options: { exitOnComplete, concurrency: 1, releaseAfter: 150, interval: 5_000, ...options },
    });
    const { broker, run, until } = scene;
    broker.push('q', ...payloads('Quick', 200), payload('Slow', 'slow'), ...payloads('Quick', 300));
    await run();
    await until(() => slow.started.length === 1);
    return { ...scene, slow };
  }

  test('go back after a while, in order, for idle workers to take', async () => {
    const { broker, clock } = await late();
    expect(broker.list('q').length).toBeLessThan(300);
    await clock.advance(1_000);
    expect(broker.list('q')).toEqual(payloads('Quick', 300));
    expect(broker.inflight.size).toBe(1);
  });

  test('that went back are no empty queue: they run before the worker ends, and without a rest', async () => {
    const { broker, clock, slow, ended, until } = await late();
    await clock.advance(1_000);
    const at = clock.now();
    slow.end('slow');
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ succeeded: 501, stopped: 'empty' });
    expect(clock.now() - at).toBeLessThan(1_000);
    expect(broker.list('q')).toEqual([]);
  });

  test('that others took meanwhile are not waited for', async () => {
    const { broker, clock, slow, ended, until } = await late();
    await clock.advance(1_000);
    broker.list('q').splice(0);
    slow.end('slow');
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ succeeded: 201, stopped: 'empty' });
    expect(lastLook(broker)).toBeGreaterThan(released(broker));
  });
});

describe('a database far away', () => {
  test('keeps a worker busy', async () => {
    const Quick = defineJob({ class: 'Quick', perform() {} });
    const { broker, drain, elapsed } = workerWith({ jobs: [Quick], options: { exitOnComplete } });
    broker.roundTrip = 100;
    broker.push('q', ...payloads('Quick', 20_000));
    expect(await drain()).toMatchObject({ succeeded: 20_000, released: 0 });
    expect(elapsed()).toBeLessThan(2_500);
  });

  test('has a serial queue run at the speed of its jobs, not one job each round trip', async () => {
    let most = 0;
    let running = 0;
    const seen: unknown[] = [];
    const scene = workerWith({
      jobs: [
        defineJob({
          class: 'Step',
          async perform([id]) {
            most = Math.max(most, ++running);
            seen.push(id);
            await new Promise<void>((resolve) => scene.clock.after(5, resolve));
            running--;
          },
        }),
      ],
      serial: 'q',
      options: { exitOnComplete },
    });
    const { broker, drain, elapsed } = scene;
    broker.roundTrip = 100;
    broker.push('q', ...payloads('Step', 1_000));
    expect(await drain()).toMatchObject({ succeeded: 1_000, released: 0 });
    expect(seen).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
    expect(most).toBe(1);
    // 5 s is what they take.
    expect(elapsed()).toBeLessThan(6_500);
  });
});
