import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/job/define.ts';
import { gated, payload, payloads, workerWith } from './worker-scene.ts';

const exitOnComplete = true;

/** A job that calls something later, from outside of its promise, which never settles. */
function leaking() {
  const later: (() => void)[] = [];
  const job = defineJob({
    class: 'Leak',
    perform(_args, { signal }) {
      const { promise, reject } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => reject(signal.reason));
      setImmediate(() => setImmediate(() => later.shift()?.()));
      return promise;
    },
  });
  return { later, job };
}

describe('an error that escapes a handler', () => {
  test('counts for the job that it came from, and for no other', async () => {
    const { later, job } = leaking();
    const other = gated();
    const { broker, worker, run, until, log } = workerWith({ jobs: [job, other.job] });
    const error = new Error('boom');
    const told: boolean[] = [];
    later.push(() => void told.push(worker.escaped(error)));
    broker.push('q', payload('Gated', 'innocent'), payload('Leak', 1));
    await run();
    await until(() => broker.retries.length === 1);
    expect(told).toEqual([true]);
    expect(broker.retries).toMatchObject([{ raw: { seq: 1 }, outcome: { record: { attempts: 1, deaths: 0 } } }]);
    expect([...broker.inflight.values()]).toMatchObject([{ seq: 0 }]);
    expect(log.lines).toContainEqual({
      level: 'error',
      message:
        'An error came out of a handler by another way than its promise, and counts for its job. Await it, or catch it.',
      fields: { class: 'Leak', queue: 'q', id: expect.any(String), error },
    });
  });

  test('of a job that has ended changes nothing, and is told', async () => {
    const told: boolean[] = [];
    const { broker, worker, drain, log } = workerWith({
      jobs: [
        defineJob({
          class: 'Leaves',
          perform: () => void setImmediate(() => told.push(worker.escaped(new Error('late')))),
        }),
      ],
      options: { exitOnComplete },
    });
    broker.push('q', payload('Leaves', 1));
    expect(await drain()).toMatchObject({ succeeded: 1, retried: 0 });
    expect(told).toEqual([true]);
    expect(log.lines.map(({ message }) => message)).toContain(
      'A job has left a promise or a callback behind that failed when it had ended; its outcome stands. Await it, or catch it.',
    );
  });

  test('that no job can be told from is not taken', async () => {
    const { job } = gated();
    const { broker, worker, run } = workerWith({ jobs: [job] });
    broker.push('q', payload('Gated', 1));
    await run();
    expect(worker.escaped(new Error('whose?'))).toBe(false);
    expect(broker.inflight.size).toBe(1);
  });
});

describe('a crash', () => {
  test('gives what runs back with one death more, to the tail', async () => {
    const { job } = gated();
    const { broker, worker, run, clock, ended } = workerWith({ jobs: [job], options: { concurrency: 2 } });
    broker.push('q', ...payloads('Gated', 3));
    await run();
    const crash = worker.crash();
    await clock.advance(10);
    await crash;
    expect(broker.list('q').map((one) => one.replace(/"id":"[^"]*"/, '"id":""'))).toEqual([
      payload('Gated', 2),
      '{"lambdesque":{"id":"","attempts":0,"deaths":1},"class":"Gated","args":[0]}',
      '{"lambdesque":{"id":"","attempts":0,"deaths":1},"class":"Gated","args":[1]}',
    ]);
    expect(ended.with).toMatchObject({ stopped: 'crash', processed: 0 });
    expect(broker).toMatchObject({ left: [0], failed: [] });
    expect(clock.pending).toBe(0);
  });

  test('gives what waits back as it is, in its order, to the head', async () => {
    const { job, started } = gated();
    const Quick = defineJob({ class: 'Quick', perform() {} });
    const { broker, worker, run, until, clock, ended } = workerWith({
      jobs: [job, Quick],
      options: { concurrency: 1, releaseAfter: 600_000 },
    });
    broker.push('q', ...payloads('Quick', 200), payload('Gated', 'g'), ...payloads('Quick', 300));
    await run();
    await until(() => started.length === 1);
    const waiting = 300 - broker.list('q').length;
    expect(waiting).toBeGreaterThan(0);
    void worker.crash();
    await clock.advance(10);
    expect(broker.list('q').slice(0, 300)).toEqual(payloads('Quick', 300));
    expect(broker.list('q')[300]).toContain('"deaths":1');
    expect(ended.with).toMatchObject({ stopped: 'crash', released: waiting });
    expect(broker.left).toEqual([0]);
  });

  test('counts no attempt that has not ended, and adds to the deaths that there were', async () => {
    const { job } = gated();
    const { broker, worker, run, clock } = workerWith({ jobs: [job] });
    broker.push('q', payload('Gated', 1, 1));
    await run();
    void worker.crash();
    await clock.advance(10);
    expect(broker.list('q')).toEqual([payload('Gated', 1, 2)]);
  });

  test('settles what has ended', async () => {
    const { job, end, started } = gated();
    const { broker, worker, run, clock } = workerWith({ jobs: [job], options: { settleWithin: 60_000 } });
    broker.push('q', ...payloads('Gated', 3));
    await run();
    expect(started).toHaveLength(3);
    end(0, 1);
    await clock.advance(0);
    void worker.crash();
    await clock.advance(10);
    expect([broker.done, broker.list('q').length]).toEqual([2, 1]);
  });

  test('gives the job of a serial queue back to its head', async () => {
    const { job } = gated();
    const { broker, worker, run, clock } = workerWith({ jobs: [job], serial: 'q' });
    broker.push('q', ...payloads('Gated', 3));
    await run();
    void worker.crash();
    await clock.advance(10);
    expect(broker.list('q').map((one) => /"args":\[(\d)\]/.exec(one)?.[1])).toEqual(['0', '1', '2']);
    expect(broker.list('q')[0]).toContain('"deaths":1');
  });

  test('fails an at-most-once job that runs, and tells it', async () => {
    const { job } = gated('Once', { delivery: 'at-most-once' });
    const { broker, worker, run, clock, ended, runs } = workerWith({ jobs: [job] });
    broker.push('q', payload('Once', 1));
    await run();
    void worker.crash();
    await clock.advance(10);
    expect(broker.failed).toEqual([payload('Once', 1)]);
    expect(broker.list('q')).toEqual([]);
    expect(ended.with).toMatchObject({ stopped: 'crash', failed: 1 });
    expect(runs).toMatchObject([{ class: 'Once', outcome: 'failed' }]);
  });

  test('gives an at-most-once job back that has not started, as soon as its mark is known', async () => {
    const { job, started } = gated('Once', { delivery: 'at-most-once' });
    const { broker, worker, run, clock, ended } = workerWith({ jobs: [job] });
    const gate = Promise.withResolvers<void>();
    broker.beforeStart = gate.promise;
    broker.push('q', payload('Once', 1));
    await run();
    void worker.crash();
    await clock.advance(500);
    expect(ended.with).toBeUndefined();
    gate.resolve();
    await clock.advance(10);
    expect(ended.with).toMatchObject({ stopped: 'crash', released: 1, lost: 0 });
    expect([started, broker.list('q'), broker.failed]).toEqual([[], [payload('Once', 1)], []]);
    expect(broker.left).toEqual([0]);
  });
});
