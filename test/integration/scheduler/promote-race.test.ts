import { describe, expect, test } from 'vitest';
import { redisBroker } from '../../../shared/internal.ts';
import { NAMESPACE, type OneBackend, withBackends } from '../../helpers/backends.ts';
import { TestWorker } from '../../helpers/brokers.ts';
import { seededRandom } from '../../helpers/builders.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS, tickAt } from '../../helpers/scheduler/delayed-jobs.ts';
import { MOMENTS, MortalClient } from '../../helpers/scheduler/mortal-client.ts';
import { HOUR, START } from '../../helpers/scheduler/test-scheduler.ts';

/** Jobs of several seconds and queues, among them equal payloads; by queue, in the order in which they are due. */
async function prepare(bed: OneBackend, jobs: number): Promise<Map<string, string[]>> {
  const random = seededRandom(jobs);
  const expected = new Map<string, string[]>();
  for (let second = SECONDS - 4; second <= SECONDS; second++) {
    const payloads: string[] = [];
    for (let i = 0; i < jobs / 5; i++) {
      const queue = `q${Math.floor(random() * 3)}`;
      const name = random() < 0.1 ? 'same' : `${second}-${i}`;
      payloads.push(delayed(name, queue));
      expected.set(queue, [...(expected.get(queue) ?? []), name]);
    }
    await enqueueAt(bed, second, ...payloads);
  }
  return expected;
}

async function expectPromoted(bed: OneBackend, expected: ReadonlyMap<string, readonly string[]>): Promise<void> {
  for (const [queue, wanted] of expected) expect(names(await bed.queued(queue)), queue).toEqual(wanted);
  expect((await bed.db.keys('*')).sort()).toEqual([
    ...[...expected.keys()].map((queue) => bed.keys.queue(queue)).sort(),
    bed.keys.queues,
  ]);
}

withBackends((bed) => {
  describe('schedulers at once, over TCP and REST', () => {
    test.each([2, 5, 10])('%i of them promote each delayed job exactly once, in order', async (count) => {
      const expected = await prepare(bed, 6_000);
      const clients = Array.from({ length: count }, (_, i) =>
        bed.client({ backend: i % 2 === 0 ? 'TCP' : 'Upstash REST' }),
      );
      const results = await Promise.all(clients.map((client) => tickAt(client, START)));
      expect(results.reduce((sum, { promoted }) => sum + promoted, 0)).toBe(6_000);
      await expectPromoted(bed, expected);
    });

    test.each([2, 5, 10])('%i of them promote each retry exactly once', async (count) => {
      const all = Array.from({ length: 2_000 }, (_, i) => `${i}`);
      await Promise.all(all.map((name, i) => addRetry(bed, name, START - 2_000 + i, `q${i % 3}`)));
      const clients = Array.from({ length: count }, (_, i) =>
        bed.client({ backend: i % 2 === 0 ? 'TCP' : 'Upstash REST' }),
      );
      const results = await Promise.all(clients.map((client) => tickAt(client, START)));
      expect(results.reduce((sum, { retried }) => sum + retried, 0)).toBe(2_000);
      await expectPromoted(
        bed,
        Map.groupBy(all, (_, i) => `q${i % 3}`),
      );
    });

    test('while producers go on adding to the same second', async () => {
      const clients = [bed.client({ backend: 'TCP' }), bed.client({ backend: 'Upstash REST' }), bed.client()];
      let producing = true;
      const produced: string[] = [];
      const producer = (async () => {
        for (let i = 0; i < 60; i++) {
          const some = Array.from({ length: 20 }, (_, k) => `${i}-${k}`);
          await enqueueAt(bed, SECONDS, ...some.map((name) => delayed(name)));
          produced.push(...some);
        }
        producing = false;
      })();
      while (producing) await Promise.all(clients.map((client) => tickAt(client, START)));
      await producer;
      await tickAt(bed.client(), START);
      await expectPromoted(bed, new Map([['q', produced]]));
    });
  });

  test('a scheduler that is killed at any command loses no job and doubles none', async () => {
    const client = new MortalClient(bed.client());
    let at = 1;
    for (let killed = 1; killed > 0; at++) {
      killed = 0;
      for (const moment of MOMENTS) {
        await bed.db.flushall();
        await enqueueAt(bed, SECONDS - 2, delayed('a'), delayed('b', 'other'));
        await enqueueAt(bed, SECONDS, delayed('c'), delayed('c'), delayed('d'));
        await bed.db.zadd(bed.keys.delayedSchedule, SECONDS - 1, SECONDS - 1);
        await addRetry(bed, 'e', START - 1);
        await addRetry(bed, 'f', START, 'other');
        await bed.db.rpush(bed.keys.queue('held'), delayed('g', 'held'), delayed('h', 'held'));
        await bed.db.sadd(bed.keys.queues, 'held');
        await new TestWorker(redisBroker(bed.client(), NAMESPACE, () => START)).take('held', 2);
        const due = START + HOUR;

        await tickAt(client.live(at, moment), due).catch(() => {});
        if (client.dead) killed++;
        await tickAt(bed.client(), due + 1);

        expect(names(await bed.queued('q')).sort()).toEqual(['a', 'c', 'c', 'd', 'e']);
        expect(names(await bed.queued('other')).sort()).toEqual(['b', 'f']);
        expect(names(await bed.queued('held'))).toEqual(['g', 'h']);
        expect(await bed.db.keys('resque:*')).toHaveLength(4);
      }
    }
    expect(at).toBeGreaterThan(8);
  });
});
