import { expect, test } from 'vitest';
import { defineJob, RedisUnavailableError } from '../../../shared/index.ts';
import type { Broker } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import type { Fault } from '../../helpers/upstash-server.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

withBrokers((stores) => {
  const setup = () => {
    const ran: unknown[] = [];
    const Note = defineJob({
      class: 'Note',
      async perform([n]) {
        ran.push(n);
        await eventLoopTurn();
      },
    });
    return { ran, jobs: [Note] };
  };

  /** A store whose syncs meet trouble. @param trouble gets the number of the request and what carries it out */
  function troubled(trouble: (request: number, send: () => ReturnType<Broker['sync']>) => unknown) {
    let request = 0;
    const sync: Broker['sync'] = async (asked) => {
      const send = () => stores.store.sync(asked);
      return (await trouble(++request, send)) as Awaited<ReturnType<typeof send>>;
    };
    return { ...stores.store, sync };
  }
  const lost = () => new RedisUnavailableError('The answer did not come.');

  test('answers that are lost again and again cost no job, and run none twice', async () => {
    const { ran, jobs } = setup();
    await stores.produce('work', ...payloads('Note', range(1, 400)), 'not JSON', '{"class":"Nobody"}');
    const store = troubled(async (request, send) => {
      const result = await send();
      if (request % 3 === 1) throw lost();
      return result;
    });
    const summary = await drain({ store, jobs, queues: 'work' });
    expect(summary).toMatchObject({ succeeded: 400, failed: 2, lost: 0 });
    expect(ran).toEqual(range(1, 400));
    expect(await failed(stores.db)).toHaveLength(2);
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('402');
    await expectIdle(stores.db, 'work');
  });

  test('requests that are lost on their way cost no job, and run none twice', async () => {
    const { ran, jobs } = setup();
    await stores.produce('work', ...payloads('Note', range(1, 200)));
    const store = troubled((request, send) => {
      if (request % 3 !== 0) throw lost();
      return send();
    });
    expect(await drain({ store, jobs })).toMatchObject({ succeeded: 200, lost: 0 });
    expect(ran).toEqual(range(1, 200));
    await expectIdle(stores.db, 'work');
  });

  // A request that timed out may still be on its way: in a proxy, or in a server that was busy.
  test.each([2, 3, 4])(
    'a request (the %ith) that arrives late, after others that followed it, changes nothing',
    async (late) => {
      const { ran, jobs } = setup();
      await stores.produce('work', ...payloads('Note', range(1, 2_000)));
      let arrive: (() => Promise<unknown>) | undefined;
      const store = troubled(async (request, send) => {
        if (request === late) {
          arrive = send;
          throw lost();
        }
        const result = await send();
        if (request === late + 2) await arrive?.();
        return result;
      });
      const summary = await drain({ store, jobs });
      expect(new Set(ran).size, 'jobs that ran').toBe(2_000);
      expect(ran).toHaveLength(2_000);
      expect(summary).toMatchObject({ succeeded: 2_000, lost: 0 });
      await expectIdle(stores.db, 'work');
    },
  );

  test('a look at empty queues that arrives late takes no jobs', async () => {
    const { ran, jobs } = setup();
    let arrive: (() => Promise<unknown>) | undefined;
    const store = troubled((request, send) => {
      if (request !== 2) return send();
      arrive = send;
      throw lost();
    });
    const consumer = startWorker({ store, jobs, queues: 'work', options: { interval: 600_000 } });
    await eventually(async () => expect(await stores.db.smembers(stores.keys.workers)).toEqual([consumer.worker]));
    await eventually(() => {
      consumer.pass(600_000);
      expect(arrive).toBeDefined();
    });
    await eventually(() => expect(consumer.log.lines.map((line) => line.message)).toContain('Redis answers again'));
    await stores.produce('work', ...payloads('Note', range(1, 5)));
    await arrive?.();
    consumer.clock.move(600_000);
    await eventually(() => expect(ran).toEqual(range(1, 5)));
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
  });

  test('connections that break again and again cost no job, and run none twice', async () => {
    const faults: readonly Fault[] = ['drop-after', 'drop-before', 'http-500', 'html-502', 'drop-after'];
    const ran: unknown[] = [];
    let broken = 0;
    const Break = defineJob({
      class: 'Break',
      async perform([n]) {
        ran.push(n);
        await eventLoopTurn();
        if (Number(n) % 100 !== 0) return;
        if (stores.backend === 'TCP') await stores.db.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
        else stores.upstash.fault(faults[broken % faults.length]);
        broken++;
      },
    });
    await stores.produce('work', ...payloads('Break', range(1, 1_500)));
    const options = { batchCount: 25 };
    expect(await drain({ store: stores.store, jobs: [Break], options })).toMatchObject({ succeeded: 1_500, lost: 0 });
    expect(ran).toEqual(range(1, 1_500));
    expect(broken).toBe(15);
    await expectIdle(stores.db, 'work');
  });

  test('outcomes wait for a Redis that is away for as long as the worker lives, and jobs go on meanwhile', async () => {
    const gate = new Gate();
    let started = 0;
    let away = false;
    const store = troubled((_request, send) => {
      if (away) throw lost();
      return send();
    });
    const ran: unknown[] = [];
    const Hold = defineJob({
      class: 'Hold',
      async perform([n]) {
        started++;
        await gate.opened;
        ran.push(n);
      },
    });
    await stores.produce('work', ...payloads('Hold', range(1, 25)));
    const consumer = startWorker({ store, jobs: [Hold], options: { exitOnComplete: true } });
    await eventually(() => expect(started).toBe(25));
    away = true;
    gate.open();
    await eventually(() => expect(ran).toHaveLength(25));
    for (let i = 0; i < 20; i++) consumer.clock.move(60_000);
    expect(await inFlight(stores.db)).toBe(25);
    away = false;
    await eventually(() => {
      consumer.pass(10_000);
      expect(consumer.summary.stopped).toBe('empty');
    });
    expect(await consumer.ended).toMatchObject({ succeeded: 25, lost: 0 });
    await expectIdle(stores.db, 'work');
  });
});
