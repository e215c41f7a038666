import { describe, expect, test } from 'vitest';
import { ConfigError, type FailedQuery, RedisTypeError } from '../../../shared/index.ts';
import { createFailed, createRegistry, redisFailedBroker } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { allPages, foreignEntries, garbageEntries, numbered, numberOf } from '../../helpers/failed-entries.ts';

withBrokers((stores) => {
  const view = () => createFailed(redisFailedBroker(stores.client(), 'resque:'), createRegistry([]));
  const push = (...entries: (string | Buffer)[]) => stores.db.rpush(stores.keys.failed, ...entries);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const found = async (query: FailedQuery) =>
    (await allPages(view(), query)).flatMap(({ items }) => items.map(numberOf));

  describe('a page', () => {
    test.each(Object.entries(foreignEntries))('shows an entry of %s', async (_who, entry) => {
      await push(entry.raw);
      const { items, cursor, complete } = await view().page();
      expect({ cursor, complete }).toEqual({ cursor: undefined, complete: true });
      expect(items).toHaveLength(1);
      expect(items[0]).toMatchObject({
        failedAt: new Date(entry.at),
        queue: 'billing',
        class: entry.class,
        error: 'boom',
        worker: 'host:1:q',
        backtrace: entry.backtrace,
        payload: entry.payload,
        raw: entry.raw,
        list: 'failed',
        retriedAt: 'retriedAt' in entry ? new Date(entry.retriedAt) : undefined,
      });
    });

    test('shows of an ActiveJob its own class, id and arguments, and finds it by them', async () => {
      await push(numbered(1), foreignEntries['Rails’ ActiveJob'].raw);
      const { items } = await view().page({ class: 'Charge' });
      expect(items).toMatchObject([{ class: 'Charge', id: '0c3f', args: [{ _aj_globalid: 'gid://shop/User/7' }] }]);
      const { groups } = await view().groups();
      expect(groups.map((one) => one.class).toSorted()).toEqual(['Charge', 'Job']);
    });

    test('keeps integers that no double holds, in arguments', async () => {
      await push(foreignEntries['Ruby Resque'].raw);
      expect((await view().page()).items[0]?.args).toEqual([9007199254740993n, 1]);
    });

    test('shows what is no entry as what it is, among the others', async () => {
      const garbage = Object.values(garbageEntries);
      await push(numbered(1), ...garbage, numbered(2));
      const { items } = await view().page();
      expect(items.map(({ raw }) => raw)).toEqual(
        [numbered(1), ...garbage.map((one) => one.toString()), numbered(2)].reverse(),
      );
      expect(items.slice(1, -1).every((one) => one.class === undefined)).toBe(true);
    });

    test('comes newest first, so many at a time', async () => {
      await push(...range(0, 60).map((i) => numbered(i)));
      const pages = await allPages(view(), { limit: 25 });
      expect(pages.map(({ items }) => items.map(numberOf))).toEqual([
        range(35, 60).reverse(),
        range(10, 35).reverse(),
        range(0, 10).reverse(),
      ]);
      expect(pages.map(({ complete }) => complete)).toEqual([false, false, true]);
    });

    test('of an empty list is empty', async () => {
      expect(await view().page()).toEqual({ items: [], cursor: undefined, scanned: 0, complete: true });
    });

    test.each([0, -1, 1.5, 1001, Number.NaN])('has no limit of %s', async (limit) => {
      await expect(view().page({ limit })).rejects.toThrow(/limit must be a whole number from 1 to 1000; got/);
    });

    test.each(['x', '1', '1_2', '{}', '1_zz_'])('has no cursor %j', async (cursor) => {
      await expect(view().page({ cursor })).rejects.toThrow(ConfigError);
      await expect(view().page({ cursor })).rejects.toThrow(/must be that of the page before/);
    });

    test('says what a key is that is no list', async () => {
      await stores.db.set(stores.keys.failed, 'x');
      await expect(view().page()).rejects.toThrow(RedisTypeError);
      await expect(view().page()).rejects.toThrow(/resque:failed is no list/);
    });

    test('behind a filter that only whole entries tell says how many it looked at', async () => {
      await push(...Array.from({ length: 1_200 }, (_, n) => numbered(n, { class: n % 2 ? 'A' : 'B' })));
      const page = await view().page({ class: 'A', retried: false, limit: 3 });
      expect(page).toMatchObject({ items: { length: 3 }, complete: false });
      expect(page.scanned, 'for the 500 that were found').toBeGreaterThan(990);
    });

    test('of a short list is no longer than its limit behind such a filter', async () => {
      await push(...Array.from({ length: 10 }, (_, n) => numbered(n)));
      const page = await view().page({ retried: false, limit: 3 });
      expect(page).toMatchObject({ items: { length: 3 }, scanned: 10, complete: false });
    });

    test('shows a large entry, and few of them at a time', async () => {
      const large = numbered(1, { error: 'x'.repeat(5_000_000) });
      await push(large, large, large, large, large, numbered(2));
      const pages = await allPages(view());
      const lengths = pages.flatMap(({ items }) => items.map((one) => one.raw.length));
      expect(lengths).toEqual([numbered(2).length, ...Array.from({ length: 5 }, () => large.length)]);
      expect(pages.length).toBeGreaterThan(1);
    });
  });

  describe('a query', () => {
    const at = (number: number) => new Date(Date.UTC(2026, 10, 20) + number * 1000);

    test.each<[string, FailedQuery, number[]]>([
      ['class', { class: 'Billing::Charge' }, [9, 5, 1]],
      ['queue', { queue: 'äöü/"x"' }, [7, 3]],
      ['text', { text: 'card of Zoë' }, [4]],
      ['since', { since: at(8) }, [9, 8]],
      ['until', { until: at(2) }, [1, 0]],
      ['until a fraction of a second later', { until: new Date(at(2).getTime() + 1) }, [2, 1, 0]],
      ['since and class', { since: at(2), class: 'Billing::Charge' }, [9, 5]],
      ['nothing that is there', { class: 'Billing' }, []],
    ])('finds by %s', async (_what, query, expected) => {
      const entry = (i: number) =>
        numbered(i, {
          ...(i % 4 === 1 ? { class: 'Billing::Charge' } : {}),
          ...(i % 4 === 3 ? { queue: 'äöü/"x"' } : {}),
          ...(i === 4 ? { error: 'the card of Zoë' } : {}),
        });
      await push(...range(0, 10).map(entry));
      expect(await found(query)).toEqual(expected);
      const generated: number[] = [];
      for await (const one of view().find(query)) generated.push(numberOf(one));
      expect(generated).toEqual(expected);
    });

    test('finds a class that is written with escapes', async () => {
      await push(numbered(1).replace('"Job"', '"A\\/B \\u00e9"'));
      expect(await found({ class: 'A/B é' })).toEqual([1]);
    });

    test('finds by what failed in the same way, and by whether it was retried', async () => {
      await push(...range(0, 60).map((i) => numbered(i, { error: i % 2 === 0 ? `no ${i}` : `yes ${i}` })));
      const failed = view();
      const [first] = (await failed.page({ limit: 1 })).items;
      const alike = { fingerprint: first?.fingerprint ?? '' };
      expect(await found({ ...alike })).toEqual(
        range(0, 60)
          .filter((i) => i % 2 === 1)
          .reverse(),
      );
      expect(await failed.retryAll({ since: at(50) })).toBe(10);
      expect(await found({ retried: true })).toEqual(range(50, 60).reverse());
      expect(await found({ ...alike, retried: false })).toEqual(
        range(0, 50)
          .filter((i) => i % 2 === 1)
          .reverse(),
      );
    });

    test('comes back with what it has found when it has looked at many', async () => {
      for (let i = 0; i < 24_000; i += 1_000) await push(...range(i, i + 1_000).map((one) => numbered(one)));
      const failed = view();
      const page = await failed.page({ class: 'None' });
      expect(page).toMatchObject({ items: [], complete: false });
      expect(page.scanned).toBeGreaterThan(10_000);
      expect(page.scanned).toBeLessThanOrEqual(20_000);
      const rest = await failed.page({ class: 'None', cursor: page.cursor ?? '' });
      expect(rest).toMatchObject({ items: [], complete: true, cursor: undefined });
      expect(page.scanned + rest.scanned).toBe(24_000);
    });
  });

  describe('the lists of Ruby’s multi-queue backend', () => {
    test('are listed and read', async () => {
      await push(numbered(1));
      await stores.db.sadd(stores.keys.failedQueues, 'mail_failed', 'empty_failed');
      await stores.db.rpush('resque:mail_failed', numbered(2), numbered(3));
      const failed = view();
      expect(await failed.lists()).toEqual([
        { name: 'failed', size: 1 },
        { name: 'empty_failed', size: 0 },
        { name: 'mail_failed', size: 2 },
      ]);
      const { items } = await failed.page({ list: 'mail_failed' });
      expect(items.map(numberOf)).toEqual([3, 2]);
      expect(items[0]?.list).toBe('mail_failed');
      expect(await failed.remove(items[0] as never)).toBe(true);
      expect((await failed.groups({ list: 'mail_failed' })).total).toBe(1);
      expect(await failed.clear('mail_failed')).toBe(1);
      expect(await stores.db.llen(stores.keys.failed)).toBe(1);
    });

    test('have names that end as theirs do', async () => {
      await expect(view().page({ list: 'queues' })).rejects.toThrow(
        /is called "failed" or "<queue>_failed"; got "queues"/,
      );
      await expect(view().clear('_failed')).rejects.toThrow(ConfigError);
    });
  });
});
