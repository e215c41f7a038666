import { expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { snapshot } from '../../helpers/redis-snapshot.ts';
import { Gate, startWorker } from '../../helpers/workers.ts';

/** Redis comes back without its last writes, while a worker lives. */
withBrokers((stores) => {
  test('what had been settled is in flight again, and runs again: nothing hangs, and the log says so', async () => {
    const gates = { first: new Gate(), second: new Gate() };
    const ran: unknown[] = [];
    const Hold = defineJob({
      class: 'Hold',
      retry: { backoff: '10m' },
      async perform([n]) {
        ran.push(n);
        await (ran.length <= 40 ? gates.first : gates.second).opened;
        if (ran.length <= 40) throw new Error('later');
      },
    });
    await stores.produce('work', ...payloads('Hold', range(1, 40)));
    const worker = startWorker({ store: stores.store, jobs: [Hold], options: { concurrency: 40, lease: 60_000 } });
    await eventually(() => expect(ran).toHaveLength(40));
    const goBack = await snapshot(stores.db);
    gates.first.open();
    await eventually(async () => expect(await stores.db.zcard(stores.keys.retry)).toBe(40));
    expect(await inFlight(stores.db)).toBe(0);
    await goBack();
    expect(await inFlight(stores.db)).toBe(40);

    // Its next sync is its heartbeat, a third of the lease later.
    worker.clock.move(20_000);
    await eventually(() => {
      worker.pass(1_000);
      expect(ran).toHaveLength(80);
    });
    gates.second.open();
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
    expect(worker.summary).toMatchObject({ retried: 40, succeeded: 40, lost: 0 });
    expect(ran.slice(40)).toEqual(range(1, 40));
    expect(worker.log.lines.filter(({ level }) => level === 'warn' || level === 'error')).toContainEqual(
      expect.objectContaining({
        message: expect.stringMatching(/lost its last writes/),
        fields: expect.objectContaining({ givenBack: 40, again: 0 }),
      }),
    );
    worker.stop();
    await worker.ended;
    expect(await failed(stores.db)).toEqual([]);
    await expectIdle(stores.db, 'work');
  });

  test('what had been reserved since is in its queue again: what waits is left to others, what runs ends once', async () => {
    const gate = new Gate();
    const ran: unknown[] = [];
    const Hold = defineJob({
      class: 'Hold',
      async perform([n]) {
        ran.push(n);
        await gate.opened;
      },
    });
    const worker = startWorker({
      store: stores.store,
      jobs: [Hold],
      options: { concurrency: 3, lease: 60_000, interval: 1_000 },
    });
    await eventually(async () => expect(await stores.db.exists(stores.keys.inflight(worker.worker))).toBe(1));
    await stores.produce('work', ...payloads('Hold', range(1, 3)));
    const goBack = await snapshot(stores.db);
    await eventually(() => {
      worker.pass(1_000);
      expect(ran).toHaveLength(3);
    });
    await goBack();
    worker.clock.move(20_000);
    await eventually(() =>
      expect(worker.log.lines.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/lost its last writes/),
      ),
    );
    gate.open();
    await eventually(async () => {
      worker.pass(1_000);
      expect(await stores.queued('work')).toEqual([]);
      expect(await inFlight(stores.db)).toBe(0);
    });
    expect(new Set(ran)).toEqual(new Set(range(1, 3)));
    worker.stop();
    await worker.ended;
    await expectIdle(stores.db, 'work');
  });

  test('a job that must not run twice is not run again, also where its mark was lost', async () => {
    const gate = new Gate();
    const ran: unknown[] = [];
    const Once = defineJob({
      class: 'Once',
      delivery: 'at-most-once',
      async perform([n]) {
        ran.push(n);
        await gate.opened;
      },
    });
    await stores.produce('work', ...payloads('Once', [1]));
    const calls = async () => Number(await stores.db.hget(stores.keys.inflight(worker.worker), 'call'));
    let goBack: (() => Promise<void>) | undefined;
    let callsBefore = Infinity;
    const start: typeof stores.store.start = async (...call) => {
      callsBefore = await calls();
      goBack = await snapshot(stores.db);
      return stores.store.start(...call);
    };
    const store = { ...stores.store, start };
    const worker = startWorker({ store, jobs: [Once], options: { lease: 60_000 } });
    await eventually(() => expect(ran).toEqual([1]));
    // Redis forgets its next sync with the mark.
    worker.clock.move(20_000);
    await eventually(async () => expect(await calls()).toBeGreaterThan(callsBefore));
    await goBack?.();
    expect(await stores.db.hkeys(stores.keys.inflight(worker.worker))).toContain('0:work');
    worker.clock.move(20_000);
    await eventually(async () =>
      expect(await stores.db.hkeys(stores.keys.inflight(worker.worker))).toContain('!0:work'),
    );
    gate.open();
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
    expect(ran).toEqual([1]);
    expect(worker.summary).toMatchObject({ succeeded: 1, lost: 0 });
  });
});
