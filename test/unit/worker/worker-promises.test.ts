import { describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { gated, payload, payloads, workerWith } from './worker-scene.ts';

const exitOnComplete = true;

describe('an at-most-once job', () => {
  test('starts when it stands in Redis that it may have; those of one moment are one call', async () => {
    const { job, started, end } = gated('Once', { delivery: 'at-most-once' });
    const { broker, run, clock } = workerWith({ jobs: [job] });
    const gate = Promise.withResolvers<void>();
    broker.beforeStart = gate.promise;
    broker.push('q', ...payloads('Once', 3));
    await run();
    expect([started, broker.starts.map((jobs) => jobs.length)]).toEqual([[], [3]]);
    gate.resolve();
    await clock.advance(0);
    expect(started).toEqual([0, 1, 2]);
    end(0, 1, 2);
    await clock.advance(200);
    expect([broker.done, broker.inflight.size]).toEqual([3, 0]);
  });

  test('that the worker does not hold any more does not start', async () => {
    const { job, started } = gated('Once', { delivery: 'at-most-once' });
    const { broker, worker, run, clock } = workerWith({ jobs: [job] });
    const gate = Promise.withResolvers<void>();
    broker.beforeStart = gate.promise;
    broker.push('q', payload('Once', 1));
    await run();
    broker.inflight.clear();
    gate.resolve();
    await clock.advance(100);
    expect(started).toEqual([]);
    expect(worker.summary).toMatchObject({ lost: 1, failed: 0 });
  });

  test('that fails has failed: it is not tried again', async () => {
    const { job, started, fail } = gated('Once', { delivery: 'at-most-once' });
    const { broker, run, clock } = workerWith({ jobs: [job] });
    broker.push('q', payload('Once', 1));
    await run();
    expect(started).toEqual([1]);
    fail(1, new Error('boom'));
    await clock.advance(200);
    expect([broker.failed, broker.retries, broker.inflight.size]).toEqual([[payload('Once', 1)], [], 0]);
  });

  test('that waits for its mark at a stop goes back, though the mark comes late', async () => {
    const { job, started } = gated('Once', { delivery: 'at-most-once' });
    const { broker, worker, run, clock, ended } = workerWith({
      jobs: [job],
      options: { shutdownTimeout: '100ms', abortGrace: 100, lease: 60_000 },
    });
    const gate = Promise.withResolvers<void>();
    broker.beforeStart = gate.promise;
    broker.push('q', payload('Once', 1));
    await run();
    worker.stop();
    await clock.advance(5_000);
    expect([ended.with, broker.inflight.size]).toEqual([undefined, 1]);
    gate.resolve();
    await clock.advance(10);
    expect(ended.with).toMatchObject({ stopped: 'shutdown', released: 1, lost: 0 });
    expect([started, broker.list('q'), broker.left]).toEqual([[], [payload('Once', 1)], [0]]);
  });
});

describe('a lost lease', () => {
  test('aborts what runs, forgets what waits, settles none of it, and goes on under another id', async () => {
    const { job, started, end } = gated();
    const { broker, worker, run, clock, log } = workerWith({ jobs: [job], options: { lease: 30_000 } });
    broker.push('q', ...payloads('Gated', 2));
    await run();
    end(0);
    broker.instead.push({ kind: 'lease lost' });
    broker.push('q', payload('Gated', 9));
    await clock.advance(200);
    expect(worker.summary).toMatchObject({ lost: 2 });
    expect(started).toEqual([0, 1, 9]);
    const ids = [...new Set(broker.syncs.map(({ request }) => request.worker))];
    expect(ids).toHaveLength(2);
    expect(broker.syncs.find(({ request }) => request.worker === ids[1])?.request).toMatchObject({
      register: true,
      settle: [],
    });
    expect(log.lines.filter(({ message }) => /lease ended/.test(message))).toHaveLength(1);
  });

  test('is told to the handlers by their signal', async () => {
    const reasons: unknown[] = [];
    const Hello = defineJob({
      class: 'Hello',
      perform(_args, { signal }) {
        signal.addEventListener('abort', () => reasons.push(signal.reason));
        return new Promise<void>(() => {});
      },
    });
    const { broker, run, clock } = workerWith({ jobs: [Hello], options: { lease: 30_000 } });
    broker.push('q', payload('Hello', 1));
    await run();
    broker.instead.push({ kind: 'lease lost' });
    await clock.advance(20_000);
    expect(reasons).toEqual([expect.any(LeaseLostError)]);
  });
});

test('a Redis that lost its last writes: what it has in its queues again is not started from what waits here', async () => {
  const slow = gated('Slow');
  const seen: unknown[] = [];
  const Quick = defineJob({ class: 'Quick', perform: ([id]) => void seen.push(id) });
  const { broker, run, clock, until, ended } = workerWith({
    jobs: [slow.job, Quick],
    options: { exitOnComplete, concurrency: 1, releaseAfter: 600_000, lease: 30_000 },
  });
  const quick = payloads('Quick', 500);
  broker.push('q', ...quick.slice(0, 200), payload('Slow', 's'), ...quick.slice(200));
  await run();
  await until(() => slow.started.length === 1);
  const [field, lost] = [...broker.inflight].at(-1) ?? [];
  expect(lost?.text).toContain('Quick');
  broker.inflight.delete(field ?? '');
  broker.list('q').unshift(lost?.text ?? '');
  broker.instead.push({ kind: 'writes lost' });
  await clock.advance(15_000);
  expect(broker.instead).toEqual([]);
  slow.end('s');
  await until(() => ended.with !== undefined);
  expect(ended.with).toMatchObject({ stopped: 'empty', succeeded: 501, lost: 1 });
  expect([seen.length, new Set(seen).size]).toEqual([500, 500]);
});

describe('a job that was in two deaths', () => {
  test('runs with nothing beside it, when there is nothing else', async () => {
    const poison = gated('Poison');
    const { job, started, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job, poison.job], options: { interval: 1_000 } });
    broker.push('q', payload('Poison', 'p', 2), ...payloads('Gated', 3));
    await run();
    await clock.advance(1_000);
    expect([started, poison.started]).toEqual([[0, 1, 2], []]);
    end(0, 1, 2);
    await clock.advance(0);
    expect(poison.started).toEqual(['p']);
    broker.push('q', payload('Gated', 'later'));
    await clock.advance(10_000);
    expect([started, broker.inflight.size]).toEqual([[0, 1, 2], 1]);
    poison.end('p');
    await clock.advance(300);
    expect(started).toEqual([0, 1, 2, 'later']);
  });

  test('does not wait for ever beside a queue that never runs empty', async () => {
    const poison = gated('Poison');
    const scene = workerWith({
      jobs: [
        poison.job,
        defineJob({
          class: 'Wait',
          perform: () => new Promise<void>((resolve) => scene.clock.after(100, resolve)),
        }),
      ],
    });
    const { broker, run, clock } = scene;
    broker.push('q', ...payloads('Wait', 1_000), payload('Poison', 'p', 2));
    await run();
    for (let second = 0; second < 150 && poison.started.length === 0; second++) {
      while (broker.list('q').length < 1_000) broker.list('q').push(payload('Wait', 0));
      await clock.advance(1_000);
    }
    expect(poison.started).toEqual(['p']);
  });

  test('is no reason to say that the queues are empty, nor to wait for the interval', async () => {
    const poison = gated('Poison');
    const { job, end } = gated();
    const { broker, run, clock, ended, until } = workerWith({
      jobs: [job, poison.job],
      options: { exitOnComplete, interval: 60_000 },
    });
    broker.push('q', payload('Gated', 0), payload('Poison', 'p', 2));
    await run();
    end(0);
    await clock.advance(500);
    expect([poison.started, ended.with]).toEqual([['p'], undefined]);
    poison.end('p');
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ stopped: 'empty', succeeded: 2 });
  });
});

describe('a serial queue', () => {
  test('has one job run at a time, in order, beside others; it is let go when none is held', async () => {
    const { job, started, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job], queues: 'ledger,q', serial: 'ledger' });
    broker.push('ledger', payload('Gated', 'l0'), payload('Gated', 'l1'));
    broker.push('q', ...payloads('Gated', 2));
    await run();
    await clock.advance(100);
    expect(started).toEqual(['l0', 0, 1]);
    const letGo = () => broker.syncs.flatMap(({ request }) => request.letGo ?? []);
    expect(letGo()).toEqual([]);
    end('l0');
    await clock.advance(300);
    expect(started).toEqual(['l0', 0, 1, 'l1']);
    const before = letGo().length;
    end('l1');
    await clock.advance(300);
    expect(letGo().slice(before)).toEqual(['ledger']);
    expect(broker.done).toBe(2);
  });

  test('that only Redis says is serial is one too', async () => {
    const { job, started, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job] });
    broker.serial.add('q');
    broker.push('q', ...payloads('Gated', 3));
    await run();
    await clock.advance(100);
    expect(started).toEqual([0]);
    end(0);
    await clock.advance(100);
    expect(started).toEqual([0, 1]);
  });
});
