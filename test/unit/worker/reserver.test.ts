import { describe, expect, test } from 'vitest';
import type { SyncReply } from '../../../shared/broker/broker.ts';
import { workerOptions } from '../../../shared/config.ts';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import type { RawJob } from '../../../shared/types.ts';
import { Batches } from '../../../shared/worker/batches.ts';
import { Gates } from '../../../shared/worker/gates.ts';
import { Orders } from '../../../shared/worker/orders.ts';
import { ParkAhead } from '../../../shared/worker/park-ahead.ts';
import { Prefetch } from '../../../shared/worker/prefetch.ts';
import { PrefetchBuffer } from '../../../shared/worker/prefetch-buffer.ts';
import { QueuePoller } from '../../../shared/worker/queue-poller.ts';
import { Reserver } from '../../../shared/worker/reserver.ts';
import { RunningJobs } from '../../../shared/worker/running-jobs.ts';
import { SerialQueues } from '../../../shared/worker/serial-queues.ts';
import { Shutdown } from '../../../shared/worker/shutdown.ts';
import { Suspects } from '../../../shared/worker/suspects.ts';
import { attemptDeps, boundTo, rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

interface Given {
  readonly queues?: string;
  readonly serial?: string;
  readonly options?: Partial<ReturnType<typeof workerOptions>>;
}

/** A reserver with all that it asks, and times in ms from the beginning. */
function begin({ queues = 'a,b', serial: named, options: given }: Given = {}) {
  const clock = new ManualClock();
  const start = clock.now();
  const options = workerOptions({ concurrency: 4, ...given });
  const serial = new SerialQueues(options, named === undefined ? undefined : parseQueues(named));
  const buffer = new PrefetchBuffer(serial.has);
  const running = new RunningJobs({
    concurrency: options.concurrency,
    abortGrace: 0,
    deps: attemptDeps({ clock }),
    onEnd: () => {},
    onDropped: () => {},
  });
  const prefetch = new Prefetch(options);
  const poller = new QueuePoller(parseQueues(queues), 5_000);
  const suspects = new Suspects(clock);
  const shutdown = new Shutdown(clock, options, undefined);
  const gates = new Gates({ clock, orders: new Orders(() => clock.now()), timeout: 1_000, isSerial: () => false });
  const reserver = new Reserver({
    clock,
    gates,
    batches: new Batches(clock),
    parkAhead: new ParkAhead({
      store: { parkAhead: () => Promise.resolve(undefined) },
      ...{ gates, buffer, poller },
      isSerial: serial.has,
      gateOf: () => undefined,
      isOver: () => false,
      onWrong() {},
      wake() {},
    }),
    options,
    prefetch,
    poller,
    serial,
    buffer,
    running,
    suspects,
    shutdown,
  });
  let seq = 0;
  const job = (queue = 'a', payload = '{"class":"Hello"}') => rawJob(payload, { queue, seq: seq++ });
  return {
    ...{ clock, reserver, serial, buffer, running, prefetch, poller, suspects, shutdown, job },
    elapsed: (time: number) => time - start,
    /** Jobs that run and do not end. */
    busy(count: number) {
      for (let i = 0; i < count; i++) running.start(boundTo(() => new Promise(() => {}), { raw: job() }));
    },
    /** A reservation that brings these. */
    reserve(reply: Partial<SyncReply>) {
      const asked = reserver.reservation(reserver.wanted(), clock.now());
      reserver.accept(asked, syncReply(reply), () => undefined);
      return asked;
    },
    /** Jobs that wait for a place. */
    wait(count: number, queue = 'a'): RawJob[] {
      const raws = Array.from({ length: count }, () => job(queue));
      for (const raw of raws) buffer.add(raw, clock.now());
      return raws;
    },
  };
}

describe('how many to ask for', () => {
  test('as many as there are free places', () => {
    const { reserver, busy } = begin();
    expect([reserver.wanted(), reserver.held]).toEqual([4, 0]);
    busy(1);
    expect([reserver.wanted(), reserver.held]).toEqual([3, 1]);
    busy(3);
    expect([reserver.wanted(), reserver.held]).toEqual([0, 4]);
  });

  test.each<[string, (scene: ReturnType<typeof begin>) => void]>([
    [
      'while it is paused',
      ({ reserver }) => {
        reserver.paused = true;
      },
    ],
    ['when it comes to its end', ({ shutdown }) => shutdown.stop(0)],
    ['beside one that was in two deaths', ({ reserve, job }) => void reserve({ jobs: [job()], alone: true })],
  ])('none %s', (_when, happens) => {
    const scene = begin();
    happens(scene);
    expect([scene.reserver.wanted(), scene.reserver.isDue(scene.clock.now())]).toEqual([0, false]);
    expect(scene.reserver.restUntil).toBe(Infinity);
  });

  test('none while the payloads that are held, running or not, come to so many bytes', () => {
    const { reserver, running, buffer, job } = begin({ options: { heldBytes: 1_000 } });
    running.start(boundTo(() => new Promise(() => {}), { raw: job('a', 'x'.repeat(600)) }));
    expect(reserver.wanted()).toBeGreaterThan(0);
    buffer.add(job('a', 'x'.repeat(400)), 0);
    expect(reserver.wanted()).toBe(0);
  });
});

describe('a reservation', () => {
  test('has what is wanted, where to look, and as many suspects as can start at once', () => {
    const { reserver, busy, wait, clock } = begin();
    busy(1);
    wait(1);
    expect(reserver.reservation(7, clock.now())).toMatchObject({
      count: 7,
      shares: [
        { queue: 'a', limit: 7 },
        { queue: 'b', limit: 7 },
      ],
      suspects: 2,
      alone: 'no',
    });
    expect(begin().reserver.reservation(7, 0)).toMatchObject({ suspects: 4, alone: 'ifNothingElse' });
  });

  test('has no fewer than no suspects', () => {
    const { reserver, wait, clock } = begin();
    wait(9);
    expect(reserver.reservation(1, clock.now()).suspects).toBe(0);
  });

  test.each([
    [0, 1],
    [10, 1.5],
    [20, 2],
    [60, 4],
    [500, 4],
  ])('of a database %i ms away has %d times as many bytes', (roundTrip, times) => {
    const { reserver, prefetch } = begin({ options: { batchBytes: 1_000 } });
    if (roundTrip > 0) prefetch.answered(roundTrip);
    expect(reserver.reservation(1, 0).bytes).toBe(1_000 * times);
  });
});

describe('what a reservation brought', () => {
  test('waits for a place; the next is asked for at once where there is more, else after the interval', () => {
    const { reserver, reserve, buffer, job, clock, elapsed } = begin();
    expect(reserver.isDue(clock.now())).toBe(true);
    reserve({ jobs: [job(), job()], more: true });
    expect(buffer.total).toBe(2);
    expect([reserver.restUntil, reserver.isDue(clock.now())]).toEqual([Infinity, false]);
    buffer.takeAll();
    expect(reserver.isDue(clock.now())).toBe(true);
    reserve({});
    expect(elapsed(reserver.restUntil)).toBe(5_000);
    expect([reserver.isDue(clock.now()), reserver.isDue(clock.now() + 5_000)]).toEqual([false, true]);
  });

  test('is looked into at once where jobs of unknown classes came before', () => {
    const { reserver, buffer, poller, job, clock } = begin();
    poller.sentOn(job());
    const [known, unknown] = [job(), job()];
    const looked: RawJob[] = [];
    reserver.accept(reserver.reservation(4, clock.now()), syncReply({ jobs: [known, unknown] }), (raw) => {
      looked.push(raw);
      return raw === known ? boundTo(() => {}, { raw }) : undefined;
    });
    expect(looked).toEqual([known, unknown]);
    expect(buffer.total).toBe(1);
    expect(buffer.next()).toHaveProperty('handler');
  });
});

describe('jobs that wait', () => {
  test('go back after `releaseAfter` and a round trip; never while there are none', async () => {
    const { reserver, wait, prefetch, clock, elapsed } = begin({ options: { releaseAfter: 150 } });
    expect(reserver.releaseAt).toBe(Infinity);
    prefetch.answered(80);
    await clock.advance(1_000);
    wait(2);
    await clock.advance(100);
    wait(1);
    expect(elapsed(reserver.releaseAt)).toBe(1_230);
  });

  test('go back where nothing is known to start, but for the next one; and their queue is no empty one', async () => {
    const { reserver, reserve, wait, clock, poller, buffer } = begin();
    reserve({});
    expect(poller.found).toBe('empty');
    const raws = wait(3);
    await clock.advance(150);
    expect(reserver.takeLate()).toEqual(raws.slice(1));
    expect([buffer.total, poller.found, poller.restUntil]).toEqual([1, undefined, 0]);
    await clock.advance(41);
    expect(reserver.takeLate()).toEqual(raws.slice(0, 1));
  });

  test('go back as soon as the measured rate says that they would start too late', async () => {
    const { reserver, wait, clock, prefetch, poller, reserve } = begin();
    // Ten in 100 ms.
    prefetch.now(0, 1, 1);
    for (let i = 0; i < 10; i++) {
      prefetch.jobStarted();
      prefetch.jobEnded();
    }
    prefetch.now(100, 1, 1);
    prefetch.measure();
    reserve({});
    const raws = wait(30);
    await clock.advance(0);
    // The twentieth starts in 190 ms.
    expect(reserver.takeLate()).toEqual(raws.slice(20));
    expect(poller.found).toBeUndefined();
    await clock.advance(150);
    expect(reserver.takeLate()).toEqual(raws.slice(5, 20));
    expect(reserver.releaseAt).toBe(clock.now() + 40);
    await clock.advance(41);
    expect(reserver.takeLate()).toEqual(raws.slice(0, 5));
    expect(reserver.releaseAt).toBe(Infinity);
  });

  test('where all of them start soon, none goes back, and what is known of the queues stays', async () => {
    const { reserver, wait, clock, prefetch, poller, reserve } = begin();
    prefetch.now(0, 1, 1);
    for (let i = 0; i < 100; i++) {
      prefetch.jobStarted();
      prefetch.jobEnded();
    }
    prefetch.now(100, 1, 1);
    prefetch.measure();
    reserve({});
    wait(5);
    await clock.advance(150);
    expect(reserver.takeLate()).toEqual([]);
    expect(poller.found).toBe('empty');
  });

  test.each<[string, (scene: ReturnType<typeof begin>) => void]>([
    [
      'at a pause',
      ({ reserver }) => {
        reserver.paused = true;
      },
    ],
    ['at the end', ({ shutdown }) => shutdown.stop(0)],
  ])('all go back at once %s, those of serial queues too', (_when, happens) => {
    const scene = begin({ serial: 'b' });
    const raws = [...scene.wait(2), ...scene.wait(2, 'b')];
    happens(scene);
    expect(scene.reserver.releaseAt).toBe(-Infinity);
    expect(scene.reserver.takeLate()).toEqual(raws);
  });

  test('of a serial queue do not go back because they are late: nobody else may start them', async () => {
    const { reserver, wait, clock, buffer } = begin({ serial: 'b' });
    wait(3, 'b');
    await clock.advance(60_000);
    expect(reserver.releaseAt).toBe(Infinity);
    expect(reserver.takeLate()).toEqual([]);
    expect(buffer.total).toBe(3);
  });

  test('and had to go back make the next reservation smaller', async () => {
    const { reserver, wait, clock } = begin();
    wait(2);
    await clock.advance(150);
    reserver.takeLate();
    expect(reserver.wanted()).toBe(2);
  });
});

describe('of a serial queue', () => {
  test('one job is asked for at first, and none while it is held', () => {
    const { reserver, reserve, job, clock } = begin({ serial: 'b' });
    expect(reserver.reservation(4, clock.now()).shares).toEqual([
      { queue: 'a', limit: 4 },
      { queue: 'b', limit: 1, serial: true },
    ]);
    reserve({ jobs: [job('b')], serial: [{ queue: 'b', more: true }], more: true });
    expect(reserver.reservation(3, clock.now()).shares).toEqual([{ queue: 'a', limit: 3 }]);
  });

  test('that Redis says is serial the same', () => {
    const { reserver, reserve, job, serial, clock } = begin();
    reserve({ jobs: [job('b')], serial: [{ queue: 'b', more: true }], more: true });
    expect([serial.has('b'), [...serial.held]]).toEqual([true, ['b']]);
    expect(reserver.reservation(3, clock.now()).shares).toEqual([{ queue: 'a', limit: 3 }]);
  });

  test('the next is asked for when none is held, though the others have nothing', () => {
    const { reserver, reserve, job, buffer, clock } = begin({ serial: 'b' });
    reserve({ jobs: [job('b')], serial: [{ queue: 'b', more: true }] });
    expect(reserver.isDue(clock.now())).toBe(false);
    buffer.next();
    expect(reserver.isDue(clock.now())).toBe(false);
    buffer.ended('b');
    expect(reserver.isDue(clock.now())).toBe(true);
    expect(reserver.reservation(1, clock.now()).shares).toContainEqual({ queue: 'b', limit: 1, serial: true });
  });
});
