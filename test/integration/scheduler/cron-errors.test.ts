import { expect, test } from 'vitest';
import { RedisTypeError } from '../../../shared/index.ts';
import { withBackends } from '../../helpers/backends.ts';
import {
  cronClient,
  cronJobs,
  HOUR,
  MINUTE,
  START,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

/** The full minute after START. */
const FIRST = START + 23_000;
const entries = {
  before: { every: '1m', class: 'Report', queue: 'before' },
  broken: { every: '1m', class: 'Report', queue: 'broken' },
  behind: { every: '1m', class: 'Report', queue: 'behind' },
};

withBackends((bed) => {
  interface Call {
    readonly name: string;
    readonly slot: Date;
    readonly error: unknown;
  }

  function scheduler() {
    const calls: Call[] = [];
    const onEnqueueError = (name: string, slot: Date, error: unknown) => void calls.push({ name, slot, error });
    return { ...testScheduler({ client: bed.client(), entries, onEnqueueError }), calls };
  }

  const breakQueue = () => bed.db.set(bed.keys.queue('broken'), 'not a list');
  const repair = () => bed.db.del(bed.keys.queue('broken'));
  const statusOf = async (name: string) => (await cronClient(bed, { entries }).list()).find((one) => one.name === name);

  test('a queue key of another type: the hook is called, the status says why, the other entries run', async () => {
    const cron = scheduler();
    await cron.tick(START);
    await breakQueue();
    expect((await cron.tick(FIRST)).cron).toBe(2);

    expect(cron.calls).toEqual([{ name: 'broken', slot: new Date(FIRST), error: expect.any(RedisTypeError) }]);
    expect(await statusOf('broken')).toMatchObject({
      last: undefined,
      next: new Date(FIRST),
      status: { outcome: 'error', at: FIRST, slot: FIRST, error: expect.stringContaining('WRONGTYPE') },
    });
    for (const queue of ['before', 'behind']) expect(await slotsIn(bed, queue)).toEqual([FIRST]);
    expect(cron.log.lines).toMatchObject([
      { level: 'error', fields: { key: bed.keys.queue('broken'), problem: expect.stringMatching(/WRONGTYPE/) } },
      { level: 'error', fields: { name: 'broken', slot: new Date(FIRST).toISOString() } },
    ]);
    expect(await bed.db.sismember(bed.keys.queues, 'broken')).toBe(0);
  });

  test('the slot is tried again until the queue is repaired, and enqueued once', async () => {
    const cron = scheduler();
    await cron.tick(START);
    await breakQueue();
    for (const late of [0, 10_000, 20_000]) await cron.tick(FIRST + late);
    expect(cron.calls.map((call) => call.slot)).toEqual([new Date(FIRST), new Date(FIRST), new Date(FIRST)]);
    await repair();
    await cron.tick(FIRST + 30_000);
    await cron.tick(FIRST + 40_000);

    expect(await slotsIn(bed, 'broken')).toEqual([FIRST]);
    expect(await statusOf('broken')).toMatchObject({
      last: new Date(FIRST),
      status: { outcome: 'enqueued', slot: FIRST, jobId: 'cron:broken:2026-11-20T20:30:00.000Z' },
    });
    for (const queue of ['before', 'behind']) expect(await slotsIn(bed, queue)).toEqual([FIRST]);
  });

  test('after an outage of hours the slots follow the policy for missed ones', async () => {
    const policies = {
      all: { ...entries.broken, every: '1h', missed: 'all' as const },
      latest: { ...entries.broken, every: '1h' },
    };
    const cron = testScheduler({ client: bed.client(), entries: policies });
    await cron.tick(START);
    await breakQueue();
    for (let hour = 0; hour < 3; hour++) await cron.tick(FIRST + (hour + 0.5) * HOUR);
    await repair();
    await cron.tick(FIRST + 3 * HOUR);
    expect(await slotsIn(bed, 'broken', 'all')).toHaveLength(3);
    expect(await slotsIn(bed, 'broken', 'latest')).toEqual([FIRST + 2.5 * HOUR]);
  });

  test('an entry whose hook throws does not stop the others', async () => {
    const cron = testScheduler({
      client: bed.client(),
      entries,
      onEnqueueError() {
        throw new Error('the hook is broken too');
      },
    });
    await cron.tick(START);
    await breakQueue();
    await cron.tick(FIRST).catch(() => {});
    await cron.tick(FIRST + 1_000).catch(() => {});
    expect(await slotsIn(bed, 'behind')).toEqual([FIRST]);
    expect(await statusOf('broken')).toMatchObject({ status: { outcome: 'error' } });
  });

  test('while Redis is out of memory nothing is claimed; afterwards the slot comes', async () => {
    const cron = scheduler();
    await cron.tick(START);
    await bed.db.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', '1');
    try {
      await expect(cron.tick(FIRST)).rejects.toThrow('out of memory');
    } finally {
      await bed.db.config('SET', 'maxmemory', '0');
    }
    for (const queue of ['before', 'broken', 'behind']) expect(await cronJobs(bed, queue)).toEqual([]);
    await cron.tick(FIRST + 10_000);
    for (const queue of ['before', 'broken', 'behind']) expect(await slotsIn(bed, queue)).toEqual([FIRST]);
  });

  test('while Redis is away a tick fails, and the slot comes with the first that does not', async () => {
    const cron = scheduler();
    await cron.tick(START);
    if (bed.backend === 'Upstash REST') bed.upstash.fault('drop-before');
    else await bed.db.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await cron.tick(FIRST).catch(() => {});
    await cron.tick(FIRST + MINUTE / 2).catch(() => {});
    await cron.tick(FIRST + MINUTE / 2 + 1);
    for (const queue of ['before', 'broken', 'behind']) expect(await slotsIn(bed, queue)).toEqual([FIRST]);
  });

  test('the last slots, of another type or lost, do not come again: their statuses know them', async () => {
    const cron = scheduler();
    await cron.tick(START);
    await cron.tick(FIRST);
    await bed.db.del(bed.keys.cron.last);
    await bed.db.set(bed.keys.cron.last, 'no hash');
    for (const late of [1_000, 2_000]) expect((await cron.tick(FIRST + late)).cron).toBe(0);
    expect((await cron.tick(FIRST + MINUTE)).cron).toBe(3);
    // Somebody does what the log says.
    await bed.db.del(bed.keys.cron.last);
    expect((await cron.tick(FIRST + MINUTE + 1_000)).cron).toBe(0);
    await breakQueue();
    await cron.tick(FIRST + 2 * MINUTE);
    await bed.db.del(bed.keys.cron.last);
    await repair();
    expect((await cron.tick(FIRST + 2 * MINUTE + 1_000)).cron, 'the one that was refused').toBe(1);
    for (const queue of ['before', 'broken', 'behind']) {
      expect(await slotsIn(bed, queue), queue).toEqual(
        [FIRST, FIRST + MINUTE, FIRST + 2 * MINUTE].slice(queue === 'broken' ? 2 : 0),
      );
    }
  });
});
