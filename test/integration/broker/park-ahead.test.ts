import { describe, expect, test } from 'vitest';
import type { AskedGate } from '../../../shared/broker/admission.ts';
import { type Brokers, withBrokers } from '../../helpers/brokers.ts';
import { range } from '../../helpers/queue-state.ts';

const CLOSED: AskedGate = { name: 'class:A/x', rule: { running: 1 }, life: 60_000 };
const job = (n: unknown) => JSON.stringify({ class: 'A', args: [n] });

withBrokers((stores: Brokers) => {
  const { keys } = stores;
  const parked = keys.parkedAt(CLOSED.name);
  const queued = () => stores.db.lrange(keys.queue('q'), 0, -1);
  const read = async (most = 100, bytes = 1_000_000) => {
    const answer = await stores.store.parkAhead({ queue: 'q', read: { place: 0, most, bytes } });
    return answer?.jobs ?? [];
  };
  /** Every job of the gate, but for those that stay. */
  const park = (place: number, jobs: Awaited<ReturnType<typeof read>>, stay: readonly number[] = []) =>
    stores.store.parkAhead({
      queue: 'q',
      park: { place, jobs, gates: jobs.map((_, i) => (stay.includes(i) ? undefined : CLOSED)) },
    });
  /** Somebody has the gate's place. */
  const close = async () => {
    await stores.db.hset(keys.limit(CLOSED.name), '=w', 1);
    await stores.db.zadd(keys.leases, 9e12, 'w');
  };
  const clear = () => stores.db.del(parked, keys.parked, keys.limit(CLOSED.name), keys.leases);

  describe('jobs are parked where they wait', () => {
    test('in order, byte for byte; those that stay stay in front of those behind them', async () => {
      await close();
      const odd = ['{"class":"A","args":["\\/",1.0,12345678901234567890]}', '{"class":"A",\n"args":["é"]}', 'garbage'];
      await stores.produce('q', ...odd, ...range(1, 5).map(job));
      const jobs = await read(6);
      expect(jobs.map(({ text }) => text)).toEqual([...odd, job(1), job(2), job(3)]);
      expect(await queued()).toHaveLength(8);
      expect(await park(0, jobs, [2, 4])).toMatchObject({ parked: 4, before: 0 });
      expect(await queued()).toEqual(['garbage', job(2), job(4), job(5)]);
      expect(await stores.db.lrange(parked, 0, -1)).toEqual([odd[0], odd[1], job(1), job(3)].map((one) => `1:q${one}`));
      expect(await stores.db.zscore(keys.parked, CLOSED.name)).not.toBeNull();
      await clear();
    });

    test('also where others were pushed in front of them; not where some are gone, nor with another place in between', async () => {
      await close();
      await stores.produce('q', ...range(1, 6).map(job));
      const jobs = await read(4);
      await stores.db.lpush(keys.queue('q'), job('called'));
      await stores.db.lrem(keys.queue('q'), 1, job(2));
      expect(await park(0, jobs)).toBeUndefined();
      expect(await queued()).toEqual(['called', 1, 3, 4, 5, 6].map(job));
      expect(await park(0, (await read(6)).slice(1, 4))).toMatchObject({ parked: 3, before: 1 });
      expect(await queued()).toEqual(['called', 5, 6].map(job));
      // The answer of the last one was lost.
      expect(await park(0, jobs)).toBeUndefined();
      await clear();
    });

    test('but not one that was called, whose place is kept', async () => {
      await stores.produce('q', job(1), job(2));
      await close();
      await park(0, await read());
      await stores.db.hdel(keys.limit(CLOSED.name), '=w');
      await stores.store.openGates([CLOSED.name]);
      expect(await queued()).toEqual([job(1)]);
      expect(await park(0, await read())).toMatchObject({ parked: 0, before: 0 });
      expect(await queued()).toEqual([job(1)]);
      await clear();
    });

    test('and called at once where the gate has opened meanwhile', async () => {
      await stores.produce('q', job(1), job(2), job(3));
      expect(await park(0, await read())).toMatchObject({ parked: 3 });
      expect(await queued()).toEqual([job(1)]);
      expect(await stores.db.llen(parked)).toBe(2);
      await clear();
    });

    test('a list that takes none is told, and they stay; bytes bound what is read', async () => {
      await stores.db.set(parked, 'no list');
      await close();
      await stores.produce('q', ...range(1, 300).map((n) => job('x'.repeat(n))));
      expect((await read(300, 10_000)).length).toBeLessThan(300);
      const answer = await park(0, await read(200));
      expect(answer).toMatchObject({ parked: 0, wrong: [{ key: parked, error: expect.stringMatching(/WRONGTYPE/) }] });
      expect(await queued()).toEqual(range(1, 300).map((n) => job('x'.repeat(n))));
      await clear();
    });
  });
});
