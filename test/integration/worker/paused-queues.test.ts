import { beforeAll, expect, test } from 'vitest';
import type { Broker } from '../../../shared/broker/broker.ts';
import { keysOf } from '../../../shared/broker/keys.ts';
import { defineJob } from '../../../shared/index.ts';
import type { Queues } from '../../../shared/inspect/queues.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { expectIdle, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

const keys = keysOf('resque:');

withBrokers((stores) => {
  let queues: Queues;
  beforeAll(() => {
    queues = inspectorOf(stores).queues;
  });

  /** Jobs that wait at a gate, and note that they have begun. */
  function gated(name: string) {
    const gate = new Gate();
    const begun: unknown[] = [];
    const ended: unknown[] = [];
    const job = defineJob({
      class: name,
      async perform([n]) {
        begun.push(n);
        await gate.opened;
        ended.push(n);
      },
    });
    return { gate, begun, ended, job };
  }

  /** So many quick jobs that a worker knows their rate, and reserves far ahead; behind them those that wait at the gate. */
  const QUICK = 2_000;
  const Quick = defineJob({ class: 'Quick', perform() {} });
  const FAR = { ahead: 1e6, releaseAfter: 1e9, interval: 1_000, lease: 3_000 };
  const produce = (queue: string, jobs: readonly string[]) =>
    stores.produce(queue, ...payloads('Quick', range(1, QUICK)), ...jobs);
  const heldBy = async (worker: string) => Object.keys(await stores.held({ id: worker })).length;

  /** A store that counts syncs. */
  function counted(store: Broker): { readonly store: Broker; readonly syncs: { count: number } } {
    const syncs = { count: 0 };
    const sync: Broker['sync'] = (request) => {
      syncs.count++;
      return store.sync(request);
    };
    return { store: { ...store, sync }, syncs };
  }

  test('what was reserved and not started goes back to the head, in order; what runs goes on; other queues do too', async () => {
    const held = gated('Held');
    const ran: unknown[] = [];
    const Other = defineJob({ class: 'Other', perform: ([n]) => void ran.push(n) });
    await produce('a', payloads('Held', range(1, 10)));
    const worker = startWorker({
      store: stores.store,
      jobs: [Quick, held.job, Other],
      queues: 'a,b',
      options: { ...FAR, concurrency: 2 },
    });
    await eventually(() => expect(held.begun).toEqual([1, 2]));
    await eventually(async () => expect(await heldBy(worker.worker)).toBe(10));

    await queues.pause('a');
    await stores.produce('b', ...payloads('Other', range(1, 20)));

    // With its next sync, which is the one that extends its lease.
    worker.clock.move(1_000);
    await eventually(async () => expect(await stores.queued('a')).toEqual(payloads('Held', range(3, 10))));
    held.gate.open();
    await eventually(() => {
      worker.pass(100);
      expect(ran).toHaveLength(20);
    });
    expect(held.ended).toEqual([1, 2]);
    expect(await stores.queued('a')).toEqual(payloads('Held', range(3, 10)));

    await queues.resume('a');
    await eventually(() => {
      worker.pass(1_000);
      expect(held.ended).toEqual(range(1, 10));
    });
    worker.stop();
    expect(await worker.ended).toMatchObject({ succeeded: QUICK + 30, lost: 0 });
    await expectIdle(stores.db, 'a', 'b');
  });

  test('of a serial queue too', async () => {
    const held = gated('Held');
    await produce('ledger', payloads('Held', range(1, 10)));
    const worker = startWorker({
      store: stores.store,
      jobs: [Quick, held.job],
      queues: 'ledger',
      serial: 'ledger',
      options: FAR,
    });
    await eventually(() => expect(held.begun).toEqual([1]));
    await eventually(async () => expect(await heldBy(worker.worker)).toBe(10));
    await queues.pause('ledger');
    worker.clock.move(1_000);
    await eventually(async () => expect(await stores.queued('ledger')).toEqual(payloads('Held', range(2, 10))));
    held.gate.open();
    await eventually(async () => {
      worker.pass(1_000);
      expect(await stores.db.hget(keys.serial, 'ledger')).toBe('');
    });
    await queues.resume('ledger');
    await eventually(() => {
      worker.pass(1_000);
      expect(held.ended).toEqual(range(1, 10));
    });
  });

  test('a drain ends, and says why, when only paused queues have jobs', async () => {
    const ran: unknown[] = [];
    const Hello = defineJob({ class: 'Hello', perform: ([n]) => void ran.push(n) });
    await stores.produce('a', ...payloads('Hello', range(1, 5)));
    await stores.produce('b', ...payloads('Hello', range(6, 9)));
    await queues.pause('a');
    expect(await drain({ store: stores.store, jobs: [Hello] })).toMatchObject({ processed: 4, stopped: 'paused' });
    await queues.clear('a');
    expect(await drain({ store: stores.store, jobs: [Hello] })).toMatchObject({ processed: 0, stopped: 'empty' });
    expect(ran).toEqual(range(6, 9));
  });

  test('a drain that has given jobs of a paused queue back says so too', async () => {
    const held = gated('Held');
    await produce('a', payloads('Held', range(1, 9)));
    const worker = startWorker({
      store: stores.store,
      jobs: [Quick, held.job],
      options: { ...FAR, concurrency: 1, exitOnComplete: true },
    });
    await eventually(() => expect(held.begun).toEqual([1]));
    await eventually(async () => expect(await heldBy(worker.worker)).toBe(9));
    await queues.pause('a');
    worker.clock.move(1_000);
    await eventually(async () => expect(await stores.queued('a')).toHaveLength(8));
    held.gate.open();
    expect(await worker.ended).toMatchObject({ succeeded: QUICK + 1, stopped: 'paused' });
  });

  test.each([1, 40])(
    'a worker on %i paused queues that have jobs looks no more often than at empty ones',
    async (count) => {
      const Hello = defineJob({ class: 'Hello', perform() {} });
      const names = range(1, count).map((n) => `q${n}`);
      for (const name of names) {
        await stores.produce(name, ...payloads('Hello', range(1, 3)));
        await queues.pause(name);
      }
      const { store, syncs } = counted(stores.store);
      const worker = startWorker({ store, jobs: [Hello], options: { interval: 1_000 } });
      // A worker that did not rest would be heard in between.
      const settled = async () => {
        let before = -1;
        await eventually(async () => {
          before = syncs.count;
          for (let i = 0; i < 30; i++) await stores.db.ping();
          expect(syncs.count).toBe(before);
        });
        return before;
      };
      const start = await settled();
      expect(start).toBeLessThanOrEqual(4);
      for (let i = 0; i < 5; i++) {
        worker.clock.move(1_000);
        await settled();
      }
      // Where there are many queues, some of them and then all.
      expect(syncs.count - start).toBeLessThanOrEqual(10);
      for (const name of names) await queues.resume(name);
      await eventually(() => {
        worker.pass(1_000);
        expect(worker.summary.succeeded).toBe(3 * count);
      });
    },
  );
});
