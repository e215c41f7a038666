import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { failed, failedTexts, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

const DAY = 86_400_000;

/** A queue's key that somebody has set to a string: nothing may be lost or doubled over it, and others go on. */
withBrokers((stores) => {
  const breakQueue = (queue: string) => stores.db.set(stores.keys.queue(queue), 'no list');
  const mendQueue = (queue: string) => stores.db.del(stores.keys.queue(queue));

  /** So many ms later, ticks of a scheduler that has to live with what the first ones throw. */
  async function ticks(count: number, ms: number): Promise<void> {
    redisTime.move(ms);
    for (let i = 0; i < count; i++) await stores.tick().catch(() => {});
  }

  describe('while the queue of a held job is broken', () => {
    /** A dead worker that held jobs of the queues `good` and `bad`, each in a batch of its own. */
    async function dead() {
      const worker = stores.worker();
      await stores.produce('bad', ...payloads('Note', ['b1', 'b2']));
      await stores.produce('good', ...payloads('Note', ['g1', 'g2']));
      await worker.take('bad');
      await worker.take('good');
      return worker;
    }

    test('reclaiming doubles none of its worker’s other jobs, and gives all back when it is mended', async () => {
      await dead();
      await breakQueue('bad');
      await ticks(3, DAY);
      expect((await stores.queued('good')).length, 'jobs in good').toBeLessThanOrEqual(2);
      await mendQueue('bad');
      await ticks(1, DAY);
      expect(await inFlight(stores.db)).toBe(0);
      const ran: unknown[] = [];
      const Note = defineJob({ class: 'Note', perform: ([name]) => void ran.push(name) });
      await drain({ store: stores.store, jobs: [Note] });
      expect(ran.sort()).toEqual(['b1', 'b2', 'g1', 'g2']);
    });

    test('the jobs of other dead workers are reclaimed nevertheless', async () => {
      await dead();
      const other = stores.worker();
      await stores.produce('other', ...payloads('Note', range(1, 3)));
      await other.take('other');
      await breakQueue('bad');
      await ticks(2, DAY);
      expect(await stores.queued('other')).toHaveLength(3);
      await mendQueue('bad');
    });
  });

  test('while the queue of a due retry is broken, it is not lost, and other retries are promoted', async () => {
    const Fail = defineJob({
      class: 'Fail',
      retry: { backoff: '1s' },
      perform() {
        throw new Error('no');
      },
    });
    await stores.produce('bad', ...payloads('Fail', ['b1', 'b2']));
    await drain({ store: stores.store, jobs: [Fail] });
    await stores.produce('good', ...payloads('Fail', ['g1']));
    await drain({ store: stores.store, jobs: [Fail] });
    await breakQueue('bad');
    await ticks(3, DAY);
    expect(await stores.queued('good')).toHaveLength(1);
    await mendQueue('bad');
    await ticks(1, DAY);
    expect(await stores.queued('bad')).toHaveLength(2);
  });

  test('a due delayed job whose queue is broken goes to the failed list, and no other waits or is doubled', async () => {
    const consumer = startWorker({ store: stores.store, jobs: [] });
    const due = new Date(NOW + DAY);
    const later = new Date(NOW + 2 * DAY);
    const [, bad] = await consumer.client.enqueueAll([
      { job: 'Note', args: ['g1'], queue: 'good', at: due },
      { job: 'Note', args: ['b1'], queue: 'bad', at: due },
      { job: 'Note', args: ['g2'], queue: 'good', at: due },
      { job: 'Note', args: ['g3'], queue: 'good', at: later },
    ]);
    consumer.stop();
    await consumer.ended;
    await breakQueue('bad');
    await ticks(3, 3 * DAY);
    const names = (await stores.queued('good')).map((payload) => (JSON.parse(payload) as { args: string[] }).args[0]);
    expect(names).toEqual(['g1', 'g2', 'g3']);
    expect(await failedTexts(stores.db)).toEqual([expect.stringContaining(`"payload":${bad?.payload},`)]);
    expect(await failed(stores.db)).toMatchObject([{ error: expect.stringContaining('WRONGTYPE') }]);
    await mendQueue('bad');
  });

  test('a worker that has to release a job to it says so, and leaves the job to be reclaimed when it is mended', async () => {
    const started = new Gate();
    const Hold = defineJob({
      class: 'Hold',
      perform: (_args, ctx) =>
        new Promise((_, reject) => {
          started.open();
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
        }),
    });
    await stores.produce('bad', ...payloads('Hold', [1]));
    const consumer = startWorker({ store: stores.store, jobs: [Hold], options: { shutdownTimeout: 0 } });
    await started.opened;
    await breakQueue('bad');
    consumer.stop();
    await consumer.ended;
    expect(consumer.log.lines.filter((line) => line.level === 'error')).toMatchObject([
      { fields: { key: 'resque:queue:bad', answer: expect.stringContaining('WRONGTYPE') } },
    ]);
    expect(await inFlight(stores.db)).toBe(1);

    await mendQueue('bad');
    await ticks(1, DAY);
    const [payload, ...others] = await stores.queued('bad');
    expect(payload).toContain('"class":"Hold","args":[1]}');
    expect(others).toEqual([]);
    expect(await failed(stores.db)).toEqual([]);
  });
});
