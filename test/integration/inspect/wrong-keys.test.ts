import { expect, it } from 'vitest';
import type { Keys } from '../../../shared/broker/keys.ts';
import { createClient, RedisTypeError } from '../../../shared/index.ts';
import { NOW, retry, withBrokers } from '../../helpers/brokers.ts';
import { numbered, numberOf } from '../../helpers/failed-entries.ts';
import { type Kind, spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

interface Row {
  readonly name: string;
  readonly key: (keys: Keys, worker: string) => string;
  readonly type: Parameters<typeof wrongKindsOf>[0];
  /** Ids of the jobs that are not to be seen while it is something else. @default none */
  readonly hides?: readonly string[];
}

const ALL = ['held', 'later', 'again', 'waits', 'failed', 'mail'];
const STATUS_ID = 'd96d3448e98b29aace86a5474d84fe78';

/** Every key that is read for `client.jobs` and `client.failed`. */
const rows: readonly Row[] = [
  { name: 'workers', key: (keys) => keys.workers, type: 'set' },
  { name: 'leases', key: (keys) => keys.leases, type: 'sorted set' },
  { name: 'worker:<id>', key: (keys, worker) => keys.worker(worker), type: 'string' },
  { name: 'inflight:<id>', key: (keys, worker) => keys.inflight(worker), type: 'hash', hides: ['held'] },
  { name: 'delayed_queue_schedule', key: (keys) => keys.delayedSchedule, type: 'sorted set', hides: ['later'] },
  { name: 'delayed:<ts>', key: (keys) => keys.delayed(SECONDS), type: 'list', hides: ['later'] },
  { name: 'retry', key: (keys) => keys.retry, type: 'sorted set', hides: ['again'] },
  { name: 'retry:payloads', key: (keys) => keys.retryPayloads, type: 'hash', hides: ['again'] },
  { name: 'queues', key: (keys) => keys.queues, type: 'set', hides: ['waits'] },
  { name: 'queue:<name>', key: (keys) => keys.queue('q'), type: 'list', hides: ['waits'] },
  { name: 'failed', key: (keys) => keys.failed, type: 'list', hides: ['failed'] },
  { name: 'failed_queues', key: (keys) => keys.failedQueues, type: 'set', hides: ['mail'] },
  { name: '<queue>_failed', key: (keys) => keys.failedList('mail_failed'), type: 'list', hides: ['mail'] },
  { name: 'job:<id>:status', key: (keys) => keys.jobStatus(STATUS_ID), type: 'string' },
];
const SECONDS = Math.floor(NOW / 1000) + 60;
const table = rows.flatMap((row) => wrongKindsOf(row.type).map((kind): [string, Kind, Row] => [row.name, kind, row]));

withBrokers((stores) => {
  const job = (id: string) => `{"class":"Job","args":[],"queue":"q","id":"${id}"}`;
  const failed = (id: string) =>
    `{"failed_at":"2026/11/20 20:29:37 UTC","payload":${job(id)},"exception":"E","error":"e","queue":"q"}`;
  const open = () =>
    createClient(
      stores.backend === 'TCP' ? { url: stores.redis.url } : { url: stores.upstash.url, token: stores.upstash.token },
    );

  it.each(table)('%s that is a %s hides only what it would hold', async (name, kind, { key: keyOf, hides = [] }) => {
    await stores.produce('q', job('held'), job('again'));
    const worker = stores.worker();
    const [, again] = await worker.take('q');
    if (!again) throw new Error('two were queued');
    await worker.sync({ settle: [retry(again)] });
    await stores.produce('q', job('waits'));
    await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: job('later') }]);
    await stores.db.rpush(stores.keys.failed, failed('failed'));
    await stores.db.sadd(stores.keys.failedQueues, 'mail_failed');
    await stores.db.rpush(stores.keys.failedList('mail_failed'), failed('mail'));
    const mend = await spoil(stores.db, keyOf(stores.keys, worker.id), kind);
    await using client = open();

    const seen: (string | undefined)[] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: Awaited<ReturnType<typeof client.jobs.find>> = await client.jobs.find({ class: 'Job', cursor });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    }
    expect(seen.toSorted()).toEqual(ALL.filter((id) => !hides.includes(id)).toSorted());
    expect(await client.jobs.get(STATUS_ID)).toBeUndefined();

    const lists = await client.failed.lists();
    expect(lists[0]).toEqual({ name: 'failed', size: hides.includes('failed') ? 0 : 1 });
    expect(await client.failed.groups()).toMatchObject({ total: hides.includes('failed') ? 0 : 1 });
    if (name === 'failed') {
      const told = new RegExp(`${stores.keys.failed} is no list.*WRONGTYPE`);
      await expect(client.failed.page()).rejects.toThrow(told);
      await expect(client.failed.removeAll({})).rejects.toThrow(RedisTypeError);
    } else {
      expect((await client.failed.page()).items).toHaveLength(1);
    }
    await mend();
    expect((await client.failed.page()).items).toHaveLength(1);
  });

  it.each(wrongKindsOf('list'))('a failed list that is a %s takes no import, and is not cleared', async (kind) => {
    const mend = await spoil(stores.db, stores.keys.failed, kind);
    await using client = open();
    await expect(client.failed.import([numbered(1)])).rejects.toThrow(RedisTypeError);
    await expect(client.failed.clear()).rejects.toThrow(RedisTypeError);
    expect(await stores.db.exists(stores.keys.failed)).toBe(1);
    await mend();
    expect(await client.failed.import([numbered(1)])).toBe(1);
    expect((await client.failed.page()).items.map(numberOf)).toEqual([1]);
  });
});
