import { isUtf8 } from 'node:buffer';
import { describe, expect, test } from 'vitest';
import { ConfigError, defineJob, type Failed, RedisTypeError } from '../../../shared/index.ts';
import { createFailed, createRegistry, redisFailedBroker } from '../../../shared/internal.ts';
import { buriedEntry, failedEntry } from '../../../shared/wire/failed-entry.ts';
import { dump, NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { foreignEntries, garbageEntries, numbered, numberOf } from '../../helpers/failed-entries.ts';
import { samples, spliced } from '../../helpers/payloads.ts';

const FIELDS = { failedAt: new Date(NOW), thrown: new Error('boom'), worker: 'a:1:q', queue: 'q' };
const Charge = defineJob({ class: 'Charge', queue: 'billing', perform() {} });

/** As Ruby writes it: without a zone. */
const retriedAt = (ms: number) => new Date(ms).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');

withBrokers((stores) => {
  const view = () =>
    createFailed(redisFailedBroker(stores.client(), 'resque:', redisTime.now), createRegistry([Charge]));
  const push = (...entries: (string | Buffer)[]) => stores.db.rpush(stores.keys.failed, ...entries);
  const entries = () => stores.db.lrangeBuffer(stores.keys.failed, 0, -1);
  const queued = (queue: string) => stores.db.lrangeBuffer(stores.keys.queue(queue), 0, -1);
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const newest = async (failed: Failed) => {
    const [entry] = (await failed.page({ limit: 1 })).items;
    if (!entry) throw new Error('there is an entry');
    return entry;
  };

  /** A class that is a text, and a payload that JSON.parse reads: a job. */
  function isJob(bytes: Buffer): boolean {
    try {
      const value = JSON.parse(bytes.toString()) as { class?: unknown } | null;
      return typeof value?.class === 'string' && value.class !== '' && !Array.isArray(value);
    } catch {
      return false;
    }
  }

  function entryAround(bytes: Buffer): Buffer {
    if (!isUtf8(bytes)) return Buffer.from(buriedEntry(FIELDS, bytes));
    const { head, tail } = failedEntry(FIELDS);
    return Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]);
  }

  describe('to retry', () => {
    test.each(samples.filter(({ bytes }) => isJob(bytes)))('keeps each byte of $name', async ({ bytes }) => {
      const entry = entryAround(bytes);
      await push(numbered(1), entry, numbered(2));
      const failed = view();
      const page = await failed.page();

      expect(await failed.retry(page.items[1] as never)).toBe(true);

      const [pushed, ...others] = await queued('q');
      expect(others).toEqual([]);
      expect(pushed?.equals(bytes)).toBe(true);
      const [before, after, behind] = await entries();
      expect([before, behind].map(String)).toEqual([numbered(1), numbered(2)]);
      const told = `,"retried_at":"${retriedAt(NOW)}"}`;
      expect(after?.equals(Buffer.concat([entry.subarray(0, -1), Buffer.from(told)]))).toBe(true);
      expect(await stores.db.smembers(stores.keys.queues)).toEqual(['q']);
    });

    test.each(Object.entries(foreignEntries))('takes an entry of %s', async (_who, { raw, payload }) => {
      await push(raw);
      const failed = view();
      expect(await failed.retry(await newest(failed))).toBe(true);
      expect((await queued('billing')).map(String)).toEqual([payload]);
      expect(await newest(failed)).toMatchObject({ retriedAt: new Date(NOW), payload });
    });

    test('takes bytes that are not UTF-8 from the payload itself', async () => {
      const payload = Buffer.concat([
        Buffer.from('{"class":"A","args":["'),
        Buffer.from([0xff, 0x80]),
        Buffer.from('"]}'),
      ]);
      const { head, tail } = failedEntry(FIELDS);
      await push(Buffer.concat([Buffer.from(head), payload, Buffer.from(tail)]));
      const failed = view();
      expect(await failed.retry(await newest(failed))).toBe(true);
      expect((await queued('q'))[0]?.equals(payload)).toBe(true);
    });

    test('again replaces the time, and changes nothing else', async () => {
      await push(numbered(1));
      const failed = view();
      await failed.retry(await newest(failed));
      redisTime.move(5_000);
      expect(await failed.retry(await newest(failed))).toBe(true);
      const [entry] = await entries();
      expect(String(entry)).toBe(numbered(1).replace(/\}$/, `,"retried_at":"${retriedAt(NOW + 5_000)}"}`));
    });

    test('is done once, of two that press the button', async () => {
      await push(numbered(1));
      const failed = view();
      const entry = await newest(failed);
      const done = await Promise.all([failed.retry(entry), view().retry(entry)]);
      expect(done.toSorted()).toEqual([false, true]);
      expect(await queued('q')).toHaveLength(1);
    });

    test('is done once of twins, whichever was pressed twice', async () => {
      await push(numbered(1), numbered(1), numbered(2));
      const failed = view();
      const [, newer] = (await failed.page()).items;
      expect(await failed.retry(newer as never)).toBe(true);
      expect(await failed.retry(newer as never)).toBe(false);
      expect(await queued('q')).toHaveLength(1);
    });

    test('of all by two at once does each once, in few commands', async () => {
      const count = 20_000;
      for (let i = 0; i < count; i += 5_000) await push(...range(i, i + 5_000).map((n) => numbered(n)));
      let calls = 0;
      const counted = () => {
        const client = stores.client();
        const script: typeof client.script = (...args) => {
          calls++;
          return client.script(...args);
        };
        return createFailed(redisFailedBroker({ ...client, script }, 'resque:', redisTime.now), createRegistry([]));
      };
      const done = await Promise.all([counted().retryAll({}), counted().retryAll({})]);
      expect(done.reduce((sum, one) => sum + one)).toBe(count);
      expect(await queued('q')).toHaveLength(count);
      expect(calls).toBeLessThan(400);
    });

    test('of all that others remove meanwhile ends soon, and retries what is left', async () => {
      for (let i = 0; i < 20_000; i += 5_000) await push(...range(i, i + 5_000).map((n) => numbered(n)));
      const client = stores.client();
      let [calls, removed] = [0, false];
      const script: typeof client.script = async (...args) => {
        const answer = await client.script(...args);
        calls++;
        // Between the first look and its changes.
        if (!removed) await stores.db.ltrim(stores.keys.failed, 0, -601);
        removed = true;
        return answer;
      };
      const failed = createFailed(redisFailedBroker({ ...client, script }, 'resque:', redisTime.now));
      expect(await failed.retryAll({})).toBe(19_400);
      expect(calls, '500 that are gone, each looked for in 1,600 at the most').toBeLessThan(250);
    });

    test('begins the attempts anew, also where a worker of another kind kept their record', async () => {
      const bytes = Buffer.from('{"class":"A","args":[]}');
      const record = { id: 'x', attempts: 4, deaths: 2, errors: '1@5 Error: no' };
      await push(entryAround(spliced(bytes, record)));
      const failed = view();
      await failed.retry(await newest(failed));
      expect((await queued('q')).map(String)).toEqual([String(bytes)]);
    });

    test('finds the queue: of the entry, of the payload, of the class', async () => {
      const entry = (payload: string, queue: string) => `{"payload":${payload},"queue":${queue}}`;
      await push(
        entry('{"class":"A","args":[1],"queue":"p"}', '"e"'),
        entry('{"class":"A","args":[2],"queue":"p"}', 'null'),
        entry('{"class":"Charge","args":[3]}', '""'),
      );
      const failed = view();
      expect(await failed.retryAll({})).toBe(3);
      expect(await Promise.all(['e', 'p', 'billing'].map(async (name) => (await queued(name)).length))).toEqual([
        1, 1, 1,
      ]);
    });

    test('says what can be done where nothing names the queue', async () => {
      await push('{"payload":{"class":"Nobody","args":[]}}');
      const failed = view();
      await expect(failed.retry(await newest(failed))).rejects.toThrow(
        /failed job Nobody names no queue.*client\.enqueue/,
      );
    });

    test.each(Object.entries(garbageEntries))('refuses %s, and can remove it', async (_what, garbage) => {
      await push(numbered(1), garbage);
      const failed = view();
      const entry = await newest(failed);
      const before = await dump(stores.db);
      await expect(failed.retry(entry)).rejects.toThrow(ConfigError);
      await expect(failed.retry(entry)).rejects.toThrow(/is no job.*would only fail again.*remove the entry/s);
      expect(await failed.retryAll({ until: new Date(0) })).toBe(0);
      expect(await dump(stores.db)).toEqual(before);
      expect(await failed.remove(entry)).toBe(true);
      expect((await entries()).map(String)).toEqual([numbered(1)]);
    });

    test('leaves the entry where the queue does not take it', async () => {
      await push(numbered(1));
      await stores.db.set(stores.keys.queue('q'), 'x');
      const failed = view();
      const entry = await newest(failed);
      await expect(failed.retry(entry)).rejects.toThrow(RedisTypeError);
      await expect(failed.retry(entry)).rejects.toThrow(/WRONGTYPE.*resque:queue:q/);
      expect((await entries()).map(String)).toEqual([numbered(1)]);
      await stores.db.del(stores.keys.queue('q'));
    });
  });

  describe('what fits', () => {
    const fill = async (count: number) => {
      const entry = (i: number) => numbered(i, i % 3 === 0 ? { class: 'Mail', queue: 'mail' } : {});
      for (let i = 0; i < count; i += 1_000) await push(...range(i, Math.min(count, i + 1_000)).map(entry));
    };

    test('is retried once, the newest first, the others left', async () => {
      await fill(1_300);
      const failed = view();
      await failed.retry(await newest(failed));
      expect(await failed.retryAll({ class: 'Mail' })).toBe(433);
      expect(await failed.retryAll({ class: 'Mail' }), 'those have been').toBe(0);
      expect(await failed.retryAll({ class: 'Mail', retried: true }), 'unless it is said').toBe(434);
      expect(await queued('mail')).toHaveLength(868);
      expect(await queued('q')).toHaveLength(0);
      expect(await entries()).toHaveLength(1_300);
    });

    test('is removed, the others in their order', async () => {
      await fill(1_300);
      expect(await view().removeAll({ queue: 'mail' })).toBe(434);
      const left = (await entries()).map((one) => numberOf({ raw: String(one) }));
      expect(left).toEqual(range(0, 1_300).filter((i) => i % 3 !== 0));
    });

    test('is not an entry that was changed in between', async () => {
      await push(numbered(1), numbered(1), numbered(2));
      const failed = view();
      const [, entry] = (await failed.page()).items;
      await stores.db.lset(stores.keys.failed, 0, numbered(3));
      await stores.db.lset(stores.keys.failed, 1, numbered(4));
      expect(await failed.remove(entry as never)).toBe(false);
      expect(await entries()).toHaveLength(3);
    });

    test('and all, with clear', async () => {
      await fill(10);
      expect(await view().clear()).toBe(10);
      expect(await view().clear()).toBe(0);
    });
  });

  test('a full Redis can be mended: entries are removed and retried', async () => {
    await push(numbered(1), numbered(2), numbered(3));
    await stores.db.config('SET', 'maxmemory', '1');
    try {
      const failed = view();
      const [three, two] = (await failed.page()).items;
      expect(await failed.remove(three as never)).toBe(true);
      expect(await failed.retry(two as never)).toBe(true);
      expect(await failed.removeAll({ retried: true })).toBe(1);
      expect(await failed.clear()).toBe(1);
    } finally {
      await stores.db.config('SET', 'maxmemory', '0');
    }
    expect(await queued('q')).toHaveLength(1);
  });

  describe('an export', () => {
    test('is lines of JSON, of which an import makes the same bytes again', async () => {
      const all = [
        ...samples.map(({ bytes }) => entryAround(bytes)),
        ...Object.values(foreignEntries).map(({ raw }) => Buffer.from(raw)),
        ...Object.values(garbageEntries).map((one) => Buffer.from(one)),
        Buffer.from('{"payload":{"class":"A"},\n"queue":"q"}'),
        Buffer.from('{"lambdesque_base64":"aGk="}'),
      ];
      await push(...all);
      const failed = view();
      const lines: string[] = [];
      for await (const line of failed.export()) lines.push(line);
      expect(lines).toHaveLength(all.length);
      for (const line of lines) {
        expect(line).not.toMatch(/[\r\n]/);
        expect(() => JSON.parse(line)).not.toThrow();
      }

      await failed.clear();
      expect(await failed.import(lines)).toBe(all.length);

      const after = await entries();
      expect(after).toHaveLength(all.length);
      expect(all.filter((one, i) => !after[i]?.equals(one))).toEqual([]);
    });

    test('is of what fits, oldest first', async () => {
      await push(...range(0, 10).map((i) => numbered(i, { class: i % 2 ? 'A' : 'B' })));
      const numbers: number[] = [];
      for await (const raw of view().export({ class: 'A' })) numbers.push(numberOf({ raw }));
      expect(numbers).toEqual([1, 3, 5, 7, 9]);
    });

    test('may go to a list of the multi-queue backend, which then is one', async () => {
      expect(await view().import([numbered(1), '', `${numbered(2)}\r`], { list: 'mail_failed' })).toBe(2);
      expect(await stores.db.lrange('resque:mail_failed', 0, -1)).toEqual([numbered(1), numbered(2)]);
      expect(await stores.db.smembers(stores.keys.failedQueues)).toEqual(['mail_failed']);
    });

    test.each(['hello', '[1]', '{"class":"A"}', '{"payload":'])('has no line %j', async (line) => {
      const failed = view();
      await expect(failed.import([numbered(1), line])).rejects.toThrow(ConfigError);
      await expect(failed.import([numbered(1), line])).rejects.toThrow(
        /Line 2 is no failed entry.*1 entries before it/s,
      );
      expect(await entries()).toHaveLength(2);
    });
  });

  test.each([undefined, 'x', '1~~', 7])('takes no place %j', async (place) => {
    await expect(view().retry({ place } as never)).rejects.toThrow(
      /The place of a failed entry must be what client.failed gave/,
    );
    await expect(view().remove({ place } as never)).rejects.toThrow(ConfigError);
  });
});
