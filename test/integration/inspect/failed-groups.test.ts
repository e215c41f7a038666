import { expect, test } from 'vitest';
import type { Failed } from '../../../shared/index.ts';
import { createFailed, redisFailedBroker } from '../../../shared/internal.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { foreignEntries, garbageEntries, numbered } from '../../helpers/failed-entries.ts';

const DAY = 86_400_000;

withBrokers((stores) => {
  const view = () => createFailed(redisFailedBroker(stores.client(), 'resque:', redisTime.now));
  const push = (...entries: (string | Buffer)[]) => stores.db.rpush(stores.keys.failed, ...entries);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const fill = async (from: number, to: number, more: (i: number) => Parameters<typeof numbered>[1] = () => ({})) => {
    for (let i = from; i < to; i += 1_000) {
      await push(...range(i, Math.min(to, i + 1_000)).map((one) => numbered(one, more(one))));
    }
  };
  /** Looks until all is counted. */
  async function all(failed: Failed) {
    for (let i = 0; i < 100; i++) {
      const found = await failed.groups();
      if (found.scanned === found.total) return found;
    }
    throw new Error('It does not get to the end.');
  }

  test('put together what failed in the same way, with the newest message', async () => {
    const at = (i: number) => NOW + i * 1000;
    const id = 'f47ac10b-58cc-4372-a567-0e02b2c3d479';
    await push(
      numbered(1, { class: 'A', error: 'user 17 not found', at: at(1), queue: 'x' }),
      numbered(2, { class: 'A', error: 'user 4711 not found', at: at(2), queue: 'y' }),
      numbered(3, { class: 'B', error: 'user 1 not found', at: at(3) }),
      numbered(4, { class: 'A', error: `no ${id} "here"\nor there`, at: at(4) }),
      numbered(5, { class: 'A', error: `no ${id.toUpperCase()} "there"\nor there`, at: at(5) }),
      numbered(6, { class: 'A', error: 'user 9 not found', at: at(6), queue: 'x' }),
    );
    const failed = view();
    const { groups, scanned, total } = await failed.groups();
    expect({ scanned, total }).toEqual({ scanned: 6, total: 6 });
    expect(groups).toMatchObject([
      {
        class: 'A',
        exception: 'Error',
        sample: 'user 9 not found',
        count: 3,
        first: new Date(at(1)),
        last: new Date(at(6)),
        queues: ['x', 'y'],
      },
      {
        class: 'A',
        sample: `no ${id.toUpperCase()} "there"\nor there`,
        count: 2,
        first: new Date(at(4)),
        last: new Date(at(5)),
      },
      { class: 'B', count: 1 },
    ]);
    for (const { fingerprint, class: name, count } of groups) {
      const { items } = await failed.page({ fingerprint, class: name ?? '' });
      expect(items).toHaveLength(count);
    }
  });

  test('take entries of others, and what is none, for what they are', async () => {
    const foreign = Object.values(foreignEntries);
    await push(...foreign.map(({ raw }) => raw), ...Object.values(garbageEntries));
    const { groups, scanned, total } = await view().groups();
    expect(scanned).toBe(total);
    expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    const charges = groups.filter((one) => one.class?.toLowerCase().endsWith('charge'));
    expect(charges.reduce((sum, { count }) => sum + count, 0)).toBe(foreign.length);
    expect(charges.map(({ exception }) => exception).toSorted()).toEqual([
      'Error',
      'Error',
      'Exception',
      'RuntimeError',
      'java.lang.IllegalStateException',
      'type',
    ]);
  });

  test('are not led astray by keys of the payload', async () => {
    await push(
      '{"failed_at":"2026/11/20 20:29:37 UTC","payload":{"class":"A","args":[{"exception":"No","error":"no","queue":"no"}]},"exception":"Yes","error":"yes","backtrace":["\\",\\"error\\":\\"no\\""],"worker":"w","queue":"q"}',
    );
    expect((await view().groups()).groups).toMatchObject([
      { class: 'A', exception: 'Yes', sample: 'yes', queues: ['q'] },
    ]);
  });

  test('count on with each look, and from the cache while nothing is removed', async () => {
    await fill(0, 15_000, (i) => ({ class: i % 3 === 0 ? 'A' : 'B' }));
    const failed = view();
    const first = await failed.groups();
    expect(first.total).toBe(15_000);
    expect(first.scanned).toBeLessThan(15_000);
    expect((await failed.groups()).scanned).toBeGreaterThan(first.scanned);
    const whole = await all(failed);
    expect(whole.groups.map(({ count }) => count)).toEqual([10_000, 5_000]);

    await fill(15_000, 15_010, () => ({ class: 'C' }));
    expect(await failed.groups()).toMatchObject({ scanned: 15_010, groups: [{}, {}, { class: 'C', count: 10 }] });

    await stores.db.lset(stores.keys.failed, 6_001, 'gone');
    await stores.db.lrem(stores.keys.failed, 1, 'gone');
    expect((await failed.groups()).scanned, 'what stands behind it is counted anew').toBeLessThan(15_009);
    expect((await all(failed)).groups.map(({ count }) => count)).toEqual([9_999, 5_000, 10]);
  });

  test('stay as they are when entries are retried', async () => {
    await fill(0, 3_000);
    const failed = view();
    const before = await all(failed);
    await failed.retryAll({});
    expect(await failed.groups()).toEqual(before);
    await stores.db.del(stores.keys.queue('q'));
  });

  test('of an empty list are none', async () => {
    const failed = view();
    expect(await failed.groups()).toEqual({ groups: [], scanned: 0, total: 0 });
    expect((await failed.byDay({ days: 2 })).days.map(({ count }) => count)).toEqual([0, 0]);
  });

  test('cost so many commands, whatever there is', async () => {
    await fill(0, 20_000);
    const client = stores.client();
    let calls = 0;
    const counting = {
      ...client,
      script: (...args: Parameters<typeof client.script>) => {
        calls++;
        return client.script(...args);
      },
    };
    await createFailed(redisFailedBroker(counting, 'resque:')).groups();
    expect(calls).toBeLessThanOrEqual(5);
  });

  test('by day say how many they are of, and count on', async () => {
    await fill(0, 10_000);
    const failed = view();
    const first = await failed.byDay({ days: 1 });
    expect(first).toMatchObject({ total: 10_000 });
    expect(first.scanned).toBeLessThan(10_000);
    expect(await failed.byDay({ days: 1 })).toMatchObject({ scanned: 10_000, total: 10_000 });
  });

  test('by day are those of the days in UTC, oldest first', async () => {
    const today = Math.floor(NOW / DAY) * DAY;
    await push(
      numbered(1, { at: today - 40 * DAY }),
      numbered(2, { at: today - 2 * DAY }),
      numbered(3, { at: today - 1 }),
      numbered(4, { at: today }),
      `{"failed_at":"${new Date(today + 3_600_000).toISOString().replace('Z', '+02:00')}","payload":{"class":"A","args":[]},"exception":"E","error":"e","queue":"q"}`,
      'no entry',
    );
    const { days, scanned, total } = await view().byDay({ days: 4 });
    expect([scanned, total]).toEqual([6, 6]);
    const text = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    expect(days).toEqual([
      { day: text(today - 3 * DAY), count: 0 },
      { day: text(today - 2 * DAY), count: 1 },
      { day: text(today - DAY), count: 2 },
      { day: text(today), count: 1 },
    ]);
    await expect(view().byDay({ days: 0 })).rejects.toThrow(/days must be a whole number from 1 to 3660; got 0/);
  });
});
