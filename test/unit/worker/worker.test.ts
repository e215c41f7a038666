import { describe, expect, test } from 'vitest';
import { RedisAuthError, RedisUnavailableError, SkipRetry } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { gated, payload, payloads, workerWith } from './worker-scene.ts';

const exitOnComplete = true;
const never = () => new Promise<void>(() => {});

/** Notes the arguments of its runs. */
function noting(name = 'Note') {
  const seen: unknown[] = [];
  return { seen, job: defineJob({ class: name, perform: (args) => void seen.push(...args) }) };
}

describe('a worker that ends when its queues are empty', () => {
  test('runs what is there, settles it, and leaves nothing behind', async () => {
    const { seen, job } = noting();
    const { broker, drain, clock, log, runs } = workerWith({ jobs: [job], options: { exitOnComplete } });
    broker.push('q', ...payloads('Note', 100));
    expect(await drain()).toMatchObject({ processed: 100, succeeded: 100, lost: 0, released: 0, stopped: 'empty' });
    expect(seen).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(broker).toMatchObject({ done: 100, left: [0] });
    expect(broker.inflight.size).toBe(0);
    expect(clock.pending).toBe(0);
    expect(runs).toHaveLength(100);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('gives each job its outcome', async () => {
    const Fails = defineJob({
      class: 'Fails',
      perform() {
        throw new Error('boom');
      },
    });
    const Gone = defineJob({
      class: 'Gone',
      perform() {
        throw new SkipRetry();
      },
    });
    const { broker, drain } = workerWith({ jobs: [Fails, Gone, noting().job], options: { exitOnComplete } });
    const bad = ['no JSON', payload('Unknown', 1), payload('Gone', 2), payload('Note', 3, 3)];
    broker.push('q', payload('Note', 1), payload('Fails', 2), ...bad);
    expect(await drain()).toMatchObject({ processed: 6, succeeded: 1, retried: 1, failed: 4 });
    expect(broker.failed.sort()).toEqual(bad.sort());
    expect(broker.retries).toMatchObject([{ outcome: { kind: 'retry', record: { attempts: 1, deaths: 0 } } }]);
  });

  test('says so only when it has looked, and that all workers are paused where they are', async () => {
    const { broker, drain } = workerWith({ options: { exitOnComplete } });
    broker.paused = true;
    broker.push('q', payload('Note', 1));
    expect(await drain()).toMatchObject({ stopped: 'paused', processed: 0 });
  });

  test('and finds that another worker has a serial queue says that', async () => {
    const { broker, drain } = workerWith({ serial: 'q', options: { exitOnComplete } });
    broker.others.add('q');
    broker.push('q', payload('Note', 1));
    expect(await drain()).toMatchObject({ stopped: 'held elsewhere', processed: 0 });
  });
});

describe('a worker', () => {
  test('runs up to its concurrency at once', async () => {
    const { job, started, end } = gated();
    const { broker, run, until } = workerWith({ jobs: [job], options: { concurrency: 3 } });
    broker.push('q', ...payloads('Gated', 5));
    await run();
    expect(started).toEqual([0, 1, 2]);
    end(1);
    await until(() => started.length === 4);
    expect(started).toEqual([0, 1, 2, 3]);
  });

  test('that rests looks again after the interval', async () => {
    const { seen, job } = noting();
    const { broker, run, clock } = workerWith({ jobs: [job], options: { interval: 5_000 } });
    await run();
    broker.push('q', payload('Note', 1));
    await clock.advance(4_999);
    expect(seen).toEqual([]);
    await clock.advance(1);
    expect(seen).toEqual([1]);
  });

  test('shows what has run for a second, and takes it away again', async () => {
    const { job, end } = gated();
    const { broker, run, clock } = workerWith({ jobs: [job] });
    broker.push('q', payload('Gated', 1));
    await run();
    await clock.advance(999);
    const shown = () => broker.syncs.flatMap(({ request }) => ('workingOn' in request ? [request.workingOn] : []));
    expect(shown()).toEqual([]);
    await clock.advance(1);
    expect(shown()).toMatchObject([{ raw: { seq: 0 } }]);
    end(1);
    await clock.advance(200);
    expect(shown()).toMatchObject([{}, null]);
  });

  test('that cannot use Redis from the start tells why', async () => {
    const { broker, run, ended } = workerWith({});
    const error = new RedisAuthError('WRONGPASS');
    broker.instead.push(error);
    await run();
    expect(ended.with).toEqual({ error });
  });

  test('sends a call again until Redis answers, and loses nothing', async () => {
    const { seen, job } = noting();
    const { broker, drain } = workerWith({ jobs: [job], options: { exitOnComplete } });
    broker.push('q', ...payloads('Note', 3));
    const away = new RedisUnavailableError('away');
    broker.instead.push(away, away);
    expect(await drain()).toMatchObject({ succeeded: 3, lost: 0 });
    expect(seen).toEqual([0, 1, 2]);
  });

  test('tries again later to settle what a key did not take', async () => {
    const { job } = noting();
    const { broker, run, clock, until, worker, ended } = workerWith({ jobs: [job] });
    broker.refuses = ({ raw }) => raw.seq === 0;
    broker.push('q', ...payloads('Note', 2));
    await run();
    await clock.advance(500);
    expect([broker.done, broker.inflight.size]).toEqual([1, 1]);
    broker.refuses = () => false;
    await clock.advance(1_000);
    expect([broker.done, broker.inflight.size]).toEqual([2, 0]);
    worker.stop();
    await until(() => ended.with !== undefined);
  });
});

describe('a stop', () => {
  test('lets what runs go on for a while, gives back the rest in order, then aborts', async () => {
    const { job, started, end } = gated();
    const { broker, worker, run, clock, until, ended } = workerWith({
      jobs: [job],
      options: { concurrency: 2, shutdownTimeout: 8_000, abortGrace: 1_000, releaseAfter: 60_000 },
    });
    broker.push('q', ...payloads('Gated', 2));
    await run();
    broker.push('q', ...payloads('Gated', 5).slice(2));
    await clock.advance(5_000);
    worker.stop();
    await clock.advance(100);
    expect([started, broker.list('q')]).toEqual([[0, 1], payloads('Gated', 5).slice(2)]);
    end(0);
    await clock.advance(7_000);
    expect([broker.done, ended.with]).toEqual([1, undefined]);
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ stopped: 'shutdown', succeeded: 1, released: 1, lost: 0 });
    expect(broker.list('q')).toEqual(payloads('Gated', 5).slice(1));
    expect(broker.left).toEqual([0]);
    expect(clock.pending).toBe(0);
  });

  test('of an idle worker is at once', async () => {
    const { worker, run, clock, ended } = workerWith({});
    await run();
    worker.stop();
    await clock.advance(0);
    expect(ended.with).toMatchObject({ stopped: 'shutdown' });
  });

  test('does not go on with lists of a flow, of which Redis has a note', async () => {
    const { job, end } = gated();
    const { broker, worker, run, clock, ended, log } = workerWith({ jobs: [job] });
    broker.roundTrip = 10;
    const sync = broker.sync.bind(broker);
    let syncs = 0;
    broker.sync = async (...given) => {
      syncs++;
      return { ...(await sync(...given)), flowLists: [{ id: 'flow', queues: ['q'] }] };
    };
    broker.push('q', payload('Gated', 1));
    await run();
    await clock.advance(100);
    expect(syncs, 'while it has time').toBeGreaterThan(3);
    end(1);
    worker.stop();
    syncs = 0;
    await clock.advance(1_000);
    expect(ended.with).toMatchObject({ stopped: 'shutdown', succeeded: 1 });
    expect(syncs).toBeLessThan(4);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('of a worker whose queues were empty says nothing of that: what it gave back is in them again', async () => {
    const { job } = gated();
    const { broker, worker, run, clock, until, ended, idle } = workerWith({
      jobs: [job],
      options: { shutdownTimeout: 0 },
    });
    broker.push('q', payload('Gated', 1));
    await run();
    await clock.advance(10_000);
    worker.stop();
    await until(() => ended.with !== undefined);
    expect(broker.list('q')).toEqual([payload('Gated', 1)]);
    expect(idle).toEqual([]);
  });

  test('by the deadline aborts what runs: that counts where it had its time', async () => {
    const { job } = gated();
    const { broker, run, until, ended, elapsed } = workerWith({ jobs: [job], deadline: 10_000 });
    broker.push('q', payload('Gated', 1));
    await run();
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ stopped: 'deadline', retried: 1 });
    expect(elapsed()).toBeLessThan(10_100);
  });
});

describe('a pause', () => {
  test('gives back what waits, lets what runs go on, and takes nothing more', async () => {
    const { job, started, end } = gated();
    const { broker, worker, run, clock } = workerWith({
      jobs: [job],
      options: { concurrency: 1, interval: 1_000, releaseAfter: 60_000 },
    });
    broker.push('q', ...payloads('Gated', 4));
    await run();
    end(0);
    await clock.advance(200);
    worker.pause();
    await clock.advance(200);
    const waiting = broker.list('q').length + started.length;
    expect(waiting).toBe(4);
    const reserves = () => broker.syncs.filter(({ request }) => request.reserve).length;
    const before = reserves();
    end(...started);
    await clock.advance(10_000);
    expect([broker.done, broker.inflight.size, reserves()]).toEqual([started.length, 0, before]);
    expect(broker.list('q')).toEqual(payloads('Gated', 4).slice(started.length));
  });

  test('ends with resume, which looks at once', async () => {
    const { seen, job } = noting();
    const { broker, worker, run, clock } = workerWith({ jobs: [job] });
    await run();
    worker.pause();
    broker.push('q', payload('Note', 1));
    await clock.advance(60_000);
    expect(seen).toEqual([]);
    worker.resume();
    await clock.advance(0);
    expect(seen).toEqual([1]);
    // Its queue was empty just now.
    await clock.advance(100);
    worker.pause();
    broker.push('q', payload('Note', 2));
    await clock.advance(100);
    worker.resume();
    await clock.advance(0);
    expect(seen).toEqual([1, 2]);
  });

  test('is no reason to say that the queues are empty', async () => {
    const { broker, worker, run, clock, until, ended } = workerWith({
      jobs: [noting().job],
      options: { exitOnComplete },
    });
    worker.pause();
    broker.push('q', payload('Note', 1));
    await run();
    await clock.advance(60_000);
    expect(ended.with).toBeUndefined();
    worker.resume();
    await until(() => ended.with !== undefined);
    expect(ended.with).toMatchObject({ stopped: 'empty', succeeded: 1 });
  });
});

test('an attempt that runs into its timeout is aborted', async () => {
  const Slow = defineJob({ class: 'Slow', timeout: 2_000, perform: never });
  const { broker, drain, elapsed } = workerWith({ jobs: [Slow], options: { exitOnComplete, abortGrace: 500 } });
  broker.push('q', payload('Slow', 1));
  expect(await drain()).toMatchObject({ retried: 1 });
  expect(elapsed()).toBeGreaterThanOrEqual(2_500);
});
