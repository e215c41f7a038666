import { expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, failed, failedTexts, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

withBrokers((stores) => {
  /** A payload as `reclaim` gives it back. */
  const suspect = (name: string, deaths: number, space = '') =>
    `${space}{"lambdesque":{"id":"x-${name}","attempts":0,"deaths":${deaths}},"class":"Watch","args":["${name}"]}`;

  /** Jobs that note who runs beside them. */
  function watched() {
    const running = new Set<unknown>();
    const beside = new Map<unknown, number>();
    const Watch = defineJob({
      class: 'Watch',
      async perform([name]) {
        running.add(name);
        for (const one of running) beside.set(one, Math.max(beside.get(one) ?? 0, running.size - 1));
        for (let i = 0; i < 3; i++) await eventLoopTurn();
        running.delete(name);
      },
    });
    return { Watch, beside };
  }

  test.each(['', ' ', '\n\t'])(
    'a job that was in two deaths runs with nothing beside it, behind the white space %j',
    async (space) => {
      const { Watch, beside } = watched();
      const twice = range(1, 5).map((n) => suspect(`twice-${n}`, 2, space));
      await stores.produce('work', ...payloads('Watch', ['before']), ...twice, suspect('once', 1, space));
      await stores.produce('work', ...payloads('Watch', range(1, 30)));
      const summary = await drain({ store: stores.store, jobs: [Watch] });
      expect(summary).toMatchObject({ succeeded: 37, failed: 0, lost: 0, stopped: 'empty' });
      const names = [...beside.keys()];
      expect(names.slice(-5).sort(), 'the healthy ones went first').toEqual(range(1, 5).map((n) => `twice-${n}`));
      expect(range(1, 5).map((n) => beside.get(`twice-${n}`))).toEqual([0, 0, 0, 0, 0]);
      expect(Math.max(...beside.values())).toBeGreaterThan(0);
      await expectIdle(stores.db, 'work');
    },
  );

  test('healthy jobs behind suspects do not wait for them beside free places', async () => {
    const gate = new Gate();
    const ran: unknown[] = [];
    const Hold = defineJob({ class: 'Hold', perform: () => gate.opened });
    const Watch = defineJob({ class: 'Watch', perform: ([name]) => void ran.push(name) });
    await stores.produce(
      'work',
      '{"class":"Hold"}',
      suspect('a', 2),
      suspect('b', 2),
      ...payloads('Watch', range(1, 60)),
    );
    const worker = startWorker({ store: stores.store, jobs: [Hold, Watch], options: { concurrency: 2 } });
    await eventually(() => expect(ran).toEqual(range(1, 60)));
    expect(await stores.queued('work')).toEqual(expect.arrayContaining([suspect('a', 2), suspect('b', 2)]));
    gate.open();
    // Where only suspects are left, the next look comes soon; it does not wait for the interval.
    await eventually(() => {
      worker.pass(250);
      expect(ran.slice(60).sort()).toEqual(['a', 'b']);
    });
  });

  test('a suspect that was passed over for a minute comes before all others: a busy worker makes room', async () => {
    const ran: unknown[] = [];
    const Watch = defineJob({
      class: 'Watch',
      async perform([name]) {
        ran.push(name);
        // There is always more to do.
        if (typeof name === 'number' && name < 5_000) await stores.produce('work', ...payloads('Watch', [name + 1]));
        await eventLoopTurn();
      },
    });
    await stores.produce(
      'work',
      suspect('patient', 2),
      ...payloads(
        'Watch',
        range(1, 20).map((n) => n * 100),
      ),
    );
    const worker = startWorker({ store: stores.store, jobs: [Watch], options: { concurrency: 5 } });
    await eventually(() => expect(ran.length).toBeGreaterThan(50));
    expect(ran).not.toContain('patient');
    worker.clock.move(60_000);
    await eventually(() => {
      worker.pass(250);
      expect(ran).toContain('patient');
    });
    worker.stop();
    await worker.ended;
    await stores.db.del(stores.keys.queue('work'));
  });

  test.each([0, 1, 4])(
    'a job that was in three deaths fails without a run, after %i attempts, as its producer wrote it',
    async (attempts) => {
      const ran: unknown[] = [];
      const Watch = defineJob({ class: 'Watch', perform: ([name]) => void ran.push(name) });
      const payload = suspect('thrice', 3).replace('"attempts":0', `"attempts":${attempts}`);
      await stores.produce('work', payload, ...payloads('Watch', [1]));
      await drain({ store: stores.store, jobs: [Watch] });
      expect(ran).toEqual([1]);
      const [entry] = await failedTexts(stores.db);
      expect(entry).toContain(
        '"payload":{"class":"Watch","args":["thrice"]},"exception":"WorkerDiedError","error":"The worker that held this job died 3 times',
      );
      expect(entry).toMatch(/taken for the cause. Requeue it/);
    },
  );

  test('deaths are not attempts: a job with one attempt runs after two deaths of its workers', async () => {
    const attempts: number[] = [];
    const Watch = defineJob({
      class: 'Watch',
      retry: { attempts: 1 },
      perform: (_args, { job }) => void attempts.push(job.attempt),
    });
    await stores.produce('work', suspect('once', 1), suspect('twice', 2));
    expect(await drain({ store: stores.store, jobs: [Watch] })).toMatchObject({ succeeded: 2, failed: 0 });
    expect(attempts).toEqual([1, 1]);
  });

  test.each([1, 3, 25])('a poison job costs three workers and nobody else, concurrency %i', async (concurrency) => {
    const ran: unknown[] = [];
    let deaths = 0;
    await stores.produce('work', ...payloads('Watch', [...range(1, 30), 'poison', ...range(31, 60)]));
    for (let over = false; !over && deaths <= 3; ) {
      const { store, kill } = mortal(stores.store);
      let dead = false;
      const Watch = defineJob({
        class: 'Watch',
        async perform([name]) {
          if (name === 'poison') {
            dead = true;
            deaths++;
            kill();
          } else {
            await eventLoopTurn();
          }
          // A process that has died does nothing any more.
          if (dead) await new Promise(() => {});
          ran.push(name);
        },
      });
      const worker = startWorker({
        store,
        jobs: [Watch],
        options: { concurrency, exitOnComplete: true, interval: 5_000 },
      });
      worker.ended.finally(() => {
        over = !dead;
      });
      await eventually(() => {
        if (!dead && !over) worker.pass(250);
        expect(dead || over).toBe(true);
      });
      await stores.reclaimAfter(3_600_000);
    }
    expect(deaths).toBe(3);
    expect(await failed(stores.db)).toMatchObject([{ exception: 'WorkerDiedError', payload: { args: ['poison'] } }]);
    expect(new Set(ran)).toEqual(new Set(range(1, 60)));
    expect(await inFlight(stores.db)).toBe(0);
  });
});
