import { expect, test } from 'vitest';
import { createFailed, redisFailedBroker } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { Random } from '../../helpers/chaos-random.ts';
import { allPages, numbered, numberOf } from '../../helpers/failed-entries.ts';

withBrokers((stores) => {
  const view = () => createFailed(redisFailedBroker(stores.client(), 'resque:'));
  const list = () => stores.db.lrange(stores.keys.failed, 0, -1);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const fill = async (count: number) => {
    for (let i = 0; i < count; i += 1_000) {
      await stores.db.rpush(stores.keys.failed, ...range(i, Math.min(count, i + 1_000)).map((one) => numbered(one)));
    }
  };

  /** Nothing that was there all the time is left out or shown twice; nothing is shown that never was. */
  function check(shown: readonly number[], stayed: readonly number[]): void {
    expect(shown.length, 'shown twice').toBe(new Set(shown).size);
    const seen = new Set(shown);
    expect(
      stayed.filter((one) => !seen.has(one)),
      'left out',
    ).toEqual([]);
    expect(shown.toSorted((a, b) => b - a)).toEqual(shown);
  }

  test.each(range(1, 21))('stays right whatever others push, remove and retry between pages: %i', async (seed) => {
    const random = new Random(seed);
    const below = (most: number) => random.int(0, most - 1);
    await fill(200);
    const failed = view();
    let next = 200;
    const before = new Set(range(0, 200));
    const limit = 5 + below(20);

    const pages = await allPages(failed, { limit }, async () => {
      for (let i = below(4); i > 0; i--) await stores.db.rpush(stores.keys.failed, numbered(next++));
      const now = await list();
      // Some in a row, wherever that is.
      const from = below(now.length);
      for (const raw of now.slice(from, from + below(6))) {
        await stores.db.lrem(stores.keys.failed, 1, raw);
        before.delete(numberOf({ raw }));
      }
      const [retried] = (await failed.page({ limit: 1 })).items;
      if (retried && below(2) === 0) await failed.retry(retried);
    });

    check(
      pages.flatMap(({ items }) => items.map(numberOf)),
      [...before],
    );
  });

  test('stays right when all that was shown is removed, and much of what is to come', async () => {
    await fill(100);
    const failed = view();
    const first = await failed.page({ limit: 20 });
    for (const one of first.items) expect(await failed.remove(one)).toBe(true);
    await stores.db.ltrim(stores.keys.failed, 30, -1);
    const second = await failed.page({ limit: 20, cursor: first.cursor ?? '' });
    expect(second.items.map(numberOf)).toEqual(range(60, 80).reverse());
  });

  test('finds its place when thousands before it have gone', async () => {
    await fill(13_000);
    const failed = view();
    const first = await failed.page({ limit: 10 });
    await stores.db.ltrim(stores.keys.failed, 9_000, -1);
    await stores.db.rpush(stores.keys.failed, numbered(20_000));
    const second = await failed.page({ limit: 10, cursor: first.cursor ?? '' });
    expect(second.items.map(numberOf)).toEqual(range(12_980, 12_990).reverse());
  });

  test('ends where nothing is left', async () => {
    await fill(30);
    const failed = view();
    const first = await failed.page({ limit: 10 });
    await stores.db.del(stores.keys.failed);
    expect(await failed.page({ limit: 10, cursor: first.cursor ?? '' })).toMatchObject({ items: [], complete: true });
  });

  test('tells equal entries apart by how many there are', async () => {
    await stores.db.rpush(stores.keys.failed, ...Array.from({ length: 50 }, () => numbered(1)));
    const pages = await allPages(view(), { limit: 7 });
    expect(pages.flatMap(({ items }) => items)).toHaveLength(50);
  });

  test('finds an entry again that has moved, to retry and to remove it', async () => {
    await fill(12_000);
    const failed = view();
    const [entry] = (await failed.page({ text: '"args":[6000]' })).items;
    if (!entry) throw new Error('it is there');
    await stores.db.ltrim(stores.keys.failed, 5_990, -1);
    expect(await failed.retry(entry)).toBe(true);
    expect(await failed.retry(entry), 'it has changed').toBe(false);
    expect(await failed.remove(entry), 'it is still there').toBe(true);
    expect(await failed.remove(entry)).toBe(false);
    expect(await stores.db.llen(stores.keys.failed)).toBe(6_009);
    expect(await stores.queued('q')).toEqual(['{"class":"Job","args":[6000]}']);
  });
});
