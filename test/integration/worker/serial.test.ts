import { expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

withBrokers((stores) => {
  /** Jobs that note their order, and how many of them ran at once. */
  function ledger() {
    const ran: unknown[] = [];
    let running = 0;
    const most = { atOnce: 0 };
    const Entry = defineJob({
      class: 'Entry',
      async perform([n]) {
        ran.push(n);
        most.atOnce = Math.max(most.atOnce, ++running);
        await eventLoopTurn();
        running--;
      },
    });
    return { ran, most, Entry };
  }
  const holder = () => stores.db.hget(stores.keys.serial, 'ledger');

  test('one job of a serial queue runs at a time, in order, while jobs of others run beside it', async () => {
    const { ran, most, Entry } = ledger();
    let beside = 0;
    const Other = defineJob({
      class: 'Other',
      async perform() {
        beside++;
        await eventLoopTurn();
      },
    });
    await stores.produce('ledger', ...payloads('Entry', range(1, 400)));
    await stores.produce('other', ...payloads('Other', range(1, 400)));
    const summary = await drain({ store: stores.store, jobs: [Entry, Other], serial: 'ledger' });
    expect(summary).toMatchObject({ succeeded: 800, lost: 0, stopped: 'empty' });
    expect(ran).toEqual(range(1, 400));
    expect([most.atOnce, beside]).toEqual([1, 400]);
    expect(await holder()).toBe('');
    await expectIdle(stores.db, 'ledger', 'other');
  });

  test('two workers that were started by mistake run each job once, in order, one at a time', async () => {
    const { ran, most, Entry } = ledger();
    await stores.produce('ledger', ...payloads('Entry', range(1, 300)));
    const workers = range(1, 2).map(() =>
      startWorker({
        store: stores.open(),
        jobs: [Entry],
        queues: 'ledger',
        serial: 'ledger',
        options: { interval: 1_000 },
      }),
    );
    await eventually(() => {
      for (const one of workers) one.pass(1_000);
      expect(ran).toHaveLength(300);
    });
    expect(ran).toEqual(range(1, 300));
    expect(most.atOnce).toBe(1);
  });

  test('a worker that was not told learns it from Redis: it keeps the order, and runs one at a time', async () => {
    await startWorker({
      store: stores.store,
      jobs: [],
      queues: 'ledger',
      serial: 'ledger',
      options: { exitOnComplete: true },
    }).ended;
    const { ran, most, Entry } = ledger();
    await stores.produce('ledger', ...payloads('Entry', range(1, 200)));
    expect(await drain({ store: stores.store, jobs: [Entry], queues: '*' })).toMatchObject({ succeeded: 200 });
    expect(ran).toEqual(range(1, 200));
    expect(most.atOnce).toBe(1);
  });

  test('with exitOnComplete, a worker that finds it held by another ends and says so', async () => {
    const gate = new Gate();
    const Hold = defineJob({ class: 'Hold', perform: () => gate.opened });
    await stores.produce('ledger', ...payloads('Hold', range(1, 2)));
    const first = startWorker({ store: stores.store, jobs: [Hold], serial: 'ledger' });
    await eventually(async () => expect(await inFlight(stores.db)).toBeGreaterThan(0));
    expect(await drain({ store: stores.store, jobs: [Hold], serial: 'ledger' })).toMatchObject({
      processed: 0,
      stopped: 'held elsewhere',
    });
    gate.open();
    await eventually(() => expect(first.summary.succeeded).toBe(2));
  });

  test('it is free for others when its worker has nothing of it any more, and when that has ended', async () => {
    const { ran, Entry } = ledger();
    await stores.produce('ledger', ...payloads('Entry', range(1, 3)));
    const { store, kill } = mortal(stores.store);
    const first = startWorker({ store, jobs: [Entry], serial: 'ledger' });
    await eventually(async () => {
      expect(ran).toHaveLength(3);
      expect(await holder()).toBe('');
    });
    // Its lease goes on, but what comes now is not for it.
    kill();
    await eventually(() => expect(first.isAsking).toBe(false));
    await stores.produce('ledger', ...payloads('Entry', range(4, 6)));
    expect(await drain({ store: stores.store, jobs: [Entry], serial: 'ledger' })).toMatchObject({ succeeded: 3 });
    expect(await holder()).toBe('');
    expect(ran).toEqual(range(1, 6));
  });

  test('first executions come in order through deaths and restarts, and no job runs beside another', async () => {
    const ran: number[] = [];
    await stores.produce('ledger', ...payloads('Entry', range(1, 300)));
    let lives = 0;
    for (let over = false; !over; lives++) {
      const { store, kill } = mortal(stores.store);
      let dead = false;
      const Entry = defineJob({
        class: 'Entry',
        async perform([n]) {
          if (dead) await new Promise(() => {});
          ran.push(Number(n));
          // Each worker dies with one that had not run before.
          if (lives < 4 && Number(n) === 50 * (lives + 1)) {
            dead = true;
            kill();
            await new Promise(() => {});
          }
          await eventLoopTurn();
          if (dead) await new Promise(() => {});
        },
      });
      const worker = startWorker({
        store,
        jobs: [Entry],
        serial: 'ledger',
        options: { exitOnComplete: true, interval: 5_000 },
      });
      worker.ended.finally(() => {
        over = !dead;
      });
      await eventually(() => {
        if (!dead && !over) worker.pass(250);
        expect(dead || over).toBe(true);
      });
      if (over) break;
      // A new one is there at once, and gets nothing before the dead one's jobs are back.
      const next = await drain({ store: stores.store, jobs: [], serial: 'ledger' });
      expect(next).toMatchObject({ processed: 0, stopped: 'held elsewhere' });
      await stores.reclaimAfter(3_600_000);
    }
    expect(lives).toBe(4);
    const first = ran.filter((n, i) => ran.indexOf(n) === i);
    expect(first).toEqual(range(1, 300));
    expect(await failed(stores.db)).toEqual([]);
    expect(await inFlight(stores.db)).toBe(0);
  });

  test('what waits when its worker stops goes back to the head, in order', async () => {
    const gate = new Gate();
    const started: unknown[] = [];
    const Hold = defineJob({
      class: 'Hold',
      async perform([n]) {
        started.push(n);
        if (n === 300) {
          worker.stop();
          await gate.opened;
        }
        await eventLoopTurn();
      },
    });
    await stores.produce('ledger', ...payloads('Hold', range(1, 900)));
    const worker = startWorker({ store: stores.store, jobs: [Hold], serial: 'ledger', options: { ahead: 600_000 } });
    await eventually(async () => expect(await stores.queued('ledger')).toEqual(payloads('Hold', range(301, 900))));
    expect(await holder(), 'its last one still runs').not.toBe('');
    gate.open();
    expect(await worker.ended).toMatchObject({ succeeded: 300, stopped: 'shutdown' });
    expect(started).toEqual(range(1, 300));
    expect(await holder()).toBe('');
    await stores.db.del(stores.keys.queue('ledger'));
  });
});
