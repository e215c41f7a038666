import { describe, expect, test } from 'vitest';
import { defineJob, resqueLock, resqueLoner, resqueRetry, resqueStatus } from '../../../shared/index.ts';
import { NOW, withBrokers } from '../../helpers/brokers.ts';
import { pluginVectors } from '../../helpers/resque-plugins.ts';
import { drain } from '../../helpers/workers.ts';

const { keys: VECTORS, statuses: STATUSES } = pluginVectors();
const PLUGINS = {
  Retried: [resqueRetry()],
  Lone: [resqueLoner()],
  Locked: [resqueLock()],
};
const once = { attempts: 1 };

withBrokers((stores) => {
  test('what plugins of Ruby keep for a job goes when it runs here, and nothing of any other', async () => {
    const jobs = Object.entries(PLUGINS).map(([name, plugins]) => defineJob({ class: name, plugins, perform() {} }));
    const other = 'resque:resque-retry:Retried:other';
    for (const key of [...VECTORS.flatMap(({ keys }) => keys), other]) await stores.db.set(key, '1');
    await stores.produce('rb', ...VECTORS.map(({ payload }) => payload));

    await drain({ store: stores.store, jobs });

    expect(await stores.db.keys('resque:*lo[cn]*')).toEqual([]);
    expect(await stores.db.keys('resque:*resque-retry*')).toEqual([other]);
    await stores.db.flushall();
  });

  test('a job without plugins clears nothing, and is settled as cheaply as before', async () => {
    const [vector] = VECTORS;
    await stores.db.set(vector?.keys[0] ?? '', '1');
    await stores.produce('rb', vector?.payload ?? '');

    await drain({ store: stores.store, jobs: [defineJob({ class: 'Lone', perform() {} })] });

    expect(await stores.db.exists(vector?.keys[0] ?? '')).toBe(1);
    await stores.db.flushall();
  });

  describe('resque-loner: the lock', () => {
    const lock = 'resque:loners:queue:q:job:fixed';
    const lone = (perform: () => unknown, options: Parameters<typeof resqueLoner>[0] = {}) =>
      defineJob({ class: 'Index', plugins: [resqueLoner({ key: () => 'fixed', ...options })], retry: once, perform });

    test('is given back before the handler starts: what is enqueued from then on is none that this job has seen', async () => {
      const seen: unknown[] = [];
      await stores.db.set(lock, '1');
      await stores.produce('q', '{"class":"Index","args":[1]}');
      await drain({ store: stores.store, jobs: [lone(async () => seen.push(await stores.db.get(lock)))] });
      expect(seen).toEqual([null]);
    });

    test('stays for a while longer where the class says so', async () => {
      await stores.db.set(lock, '1');
      await stores.produce('q', '{"class":"Index","args":[1]}');
      await drain({ store: stores.store, jobs: [lone(() => {}, { lockFor: '40s' })] });
      expect(await stores.db.ttl(lock)).toSatisfy((ttl: number) => ttl > 30 && ttl <= 40);
      await stores.db.flushall();
    });

    test('of a job that its worker does not hold any more stays', async () => {
      await stores.db.set(lock, '1');
      await stores.produce('q', '{"class":"Index","args":[1]}');
      const worker = stores.worker();
      const raw = await worker.takeOne('q');
      const effects = [{ kind: 'clearKey', name: 'loners:queue:q:job:fixed', seconds: 0 }] as const;
      await stores.reclaimAfter(3_600_000);

      expect(await stores.store.start(worker.id, [{ raw, marked: false, effects }])).toEqual([false]);

      expect(await stores.db.get(lock)).toBe('1');
      await stores.db.flushall();
    });
  });

  test('a plugin that fails is told of, and stops neither its job nor the others', async () => {
    const broken = resqueLock({
      key() {
        throw new Error('no key');
      },
    });
    await stores.db.set('resque:resque-retry:Retried', '2');
    await stores.produce('q', '{"class":"Retried","args":[]}');

    const jobs = [defineJob({ class: 'Retried', plugins: [broken, resqueRetry()], perform() {} })];
    const summary = await drain({ store: stores.store, jobs });

    expect(summary).toMatchObject({ succeeded: 1 });
    expect(await stores.db.exists('resque:resque-retry:Retried')).toBe(0);
  });

  describe('resque-status: the record', () => {
    /** What our handlers do not write: how far they are. */
    const PROGRESS = ',"num":1,"total":4';
    const [whole, , boom] = STATUSES;
    const seconds = NOW / 1000;
    const ours = (record = '') =>
      record
        .replace(PROGRESS, '')
        .replace(/"time":\d+/, `"time":${seconds}`)
        .replace(
          /Completed at [^"]*/,
          `Completed at ${new Date(NOW).toISOString().slice(0, 19).replace('T', ' ')} +0000`,
        );
    const importing = (perform: (options: unknown) => unknown, attempts = 1) =>
      defineJob({ class: 'Import', plugins: [resqueStatus()], retry: { attempts }, perform: ([, o]) => perform(o) });

    test.each(STATUSES)(
      'of $payload is what a Ruby worker leaves, byte by byte',
      async ({ queue, payload, key, queued, ended }) => {
        await stores.db.set(key, queued, 'EX', 5_000);
        await stores.produce(queue, payload);
        const job = importing((options) => {
          if ((options as { boom?: boolean }).boom) throw new Error('boom <é>');
        });

        await drain({ store: stores.store, jobs: [job] });

        expect(await stores.db.get(key)).toBe(ours(ended));
        expect(await stores.db.ttl(key)).toSatisfy((ttl: number) => ttl > 4_000 && ttl <= 5_000);
        await stores.db.flushall();
      },
    );

    test('says working while its job runs, queued while it waits for another attempt', async () => {
      const { key = '', queued = '', payload = '' } = boom ?? {};
      const seen: unknown[] = [];
      const status = async () => JSON.parse((await stores.db.get(key)) ?? '').status;
      await stores.db.set(key, queued);
      await stores.produce('q', payload);
      const job = importing(async () => {
        await expect.poll(status).toBe('working');
        seen.push(await status());
        throw new Error('boom');
      }, 2);

      await drain({ store: stores.store, jobs: [job] });

      expect([seen, await status()]).toEqual([['working'], 'queued']);
      await stores.db.flushall();
    });

    test.each([
      [
        'blanks and order',
        '{ "status" : "queued" , "a" : [ "}" , {"status":"x\\"}"} ] }',
        '{ "status" : "completed" , "a" : [ "}" , {"status":"x\\"}"} ],"time"',
      ],
      ['nothing in it', '{}', '{"time":'],
    ])('with %s keeps what is not ours', async (_, record, begins) => {
      const { key = '', payload = '' } = whole ?? {};
      await stores.db.set(key, record);
      await stores.produce('q', payload);
      await drain({ store: stores.store, jobs: [importing(() => {})] });
      const text = (await stores.db.get(key)) ?? '';
      expect(text.startsWith(begins)).toBe(true);
      expect(JSON.parse(text)).toMatchObject({ status: 'completed', time: seconds });
      await stores.db.flushall();
    });

    test.each(['', 'no JSON', '[1]', '{"a":', '{"a":1', '{"a":"x}', '{"a":1}{'])(
      'that is %j stays as it is',
      async (record) => {
        const { key = '', payload = '' } = whole ?? {};
        await stores.db.set(key, record);
        await stores.produce('q', payload);
        await drain({ store: stores.store, jobs: [importing(() => {})] });
        expect(await stores.db.get(key)).toBe(record);
        await stores.db.flushall();
      },
    );

    test('is not made where there is none', async () => {
      await stores.produce('q', whole?.payload ?? '');
      await drain({ store: stores.store, jobs: [importing(() => {})] });
      expect(await stores.db.keys('resque:status:*')).toEqual([]);
    });
  });
});
