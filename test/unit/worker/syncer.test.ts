import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/job/define.ts';
import { gated, payload, payloads, workerWith } from './worker-scene.ts';

type Broker = ReturnType<typeof workerWith>['broker'];

/** How many outcomes each sync brought. */
const settled = (broker: Broker) =>
  broker.syncs.map(({ request }) => request.settle.length).filter((count) => count > 0);

describe('an outcome', () => {
  test('goes at once where nothing else is held', async () => {
    const { job, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job] });
    broker.push('q', payload('Gated', 1));
    await run();
    end(1);
    await clock.advance(0);
    expect(broker.done).toBe(1);
  });

  test('waits for company while others run, and no longer than it may', async () => {
    const { job, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job], options: { settleWithin: 100 } });
    broker.push('q', ...payloads('Gated', 10));
    await run();
    await clock.advance(200);
    end(0);
    await clock.advance(60);
    end(1, 2);
    await clock.advance(39);
    expect(broker.done).toBe(0);
    await clock.advance(1);
    expect([broker.done, settled(broker)]).toEqual([3, [3]]);
  });

  test('goes with others when they are as many as a batch', async () => {
    const { job, end, started } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job], options: { settleWithin: 60_000, batchCount: 3 } });
    broker.push('q', ...payloads('Gated', 9));
    await run();
    await clock.advance(200);
    expect(started).toHaveLength(9);
    end(0, 1);
    await clock.advance(10);
    expect(broker.done).toBe(0);
    end(2);
    await clock.advance(0);
    expect(broker.done).toBe(3);
  });
});

test('one call is under way at a time, and jobs run on meanwhile', async () => {
  const { job, started, end } = gated();
  const { broker, run, clock } = workerWith({ jobs: [job], options: { concurrency: 2, settleWithin: 0 } });
  broker.roundTrip = 100;
  broker.push('q', ...payloads('Gated', 4));
  await run();
  await clock.advance(100);
  expect(started).toEqual([0, 1]);
  end(0);
  await clock.advance(50);
  end(1);
  await clock.advance(49);
  expect(settled(broker)).toEqual([]);
  await clock.advance(101);
  expect(settled(broker)).toEqual([1, 1]);
  const calls = broker.syncs.map(({ request }) => request.call);
  expect(calls).toEqual(calls.map((_, i) => i + 1));
});

test('the lease is extended twice before it ends, though there is nothing else to say', async () => {
  const { job } = gated();
  const { broker, run, clock } = workerWith({ jobs: [job], options: { concurrency: 1, lease: 30_000 } });
  broker.push('q', payload('Gated', 1));
  await run();
  await clock.advance(2_000);
  const before = broker.syncs.length;
  await clock.advance(30_000);
  expect(broker.syncs.length - before).toBe(3);
});

test('what it holds is all that it has not settled: running, waiting, ended, refused, under way', async () => {
  const slow = gated('Slow');
  const once = gated('Once', { delivery: 'at-most-once' });
  const Quick = defineJob({ class: 'Quick', perform() {} });
  const { broker, run, clock, until } = workerWith({
    jobs: [slow.job, once.job, Quick],
    options: { concurrency: 2, releaseAfter: 600_000, settleWithin: 60_000 },
  });
  broker.push('q', ...payloads('Quick', 300), payload('Once', 'o'), payload('Slow', 's'), ...payloads('Quick', 300));
  await run();
  await until(() => slow.started.length + once.started.length === 2);
  await clock.advance(100);
  broker.refuses = () => true;
  broker.instead.push({ kind: 'writes lost' });
  slow.end('s');
  await until(() => broker.recovers.length === 1);
  const [held = []] = broker.recovers;
  expect(held.length).toBe(broker.inflight.size);
  expect(new Set(held.map(({ raw }) => raw.seq))).toEqual(new Set([...broker.inflight.values()].map(({ seq }) => seq)));
  expect(held.filter(({ marked }) => marked).map(({ raw }) => raw.text)).toEqual([payload('Once', 'o')]);
});
