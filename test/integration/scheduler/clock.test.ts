/** There is one clock, Redis's: whatever a scheduler's own says, and whatever wrong clocks have left behind. */

import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type Clock,
  CronRunner,
  createRegistry,
  redisCronBroker,
  redisSchedulerBroker,
  redisStatsBroker,
  silentLogger,
  type TimeSource,
  tick,
} from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS } from '../../helpers/scheduler/delayed-jobs.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  Report,
  START,
  setSchedule,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

const YEAR = 365 * DAY;
/** The full minute after START. */
const FIRST = START + 23_000;

withBackends((bed) => {
  afterEach(() => vi.restoreAllMocks());

  describe('a scheduler on a machine whose clock is', () => {
    /** What a machine says the time is, each time that somebody asks. */
    const clocks: [string, (truth: number) => number][] = [
      ['right', (truth) => truth],
      ['two minutes ahead', (truth) => truth + 2 * MINUTE],
      ['two minutes behind', (truth) => truth - 2 * MINUTE],
      ['a year ahead', (truth) => truth + YEAR],
      ['a year behind', (truth) => truth - YEAR],
      ['jumping back and forth', (truth) => truth + (Math.random() - 0.5) * YEAR],
      ['no clock at all', () => Number.NaN],
    ];

    test.each(clocks)('%s asks Redis what is due', async (_what, says) => {
      const [seconds = 0] = (await bed.db.time()).map(Number);
      const now = seconds * 1_000;
      await enqueueAt(bed, seconds - 1, delayed('due'));
      await enqueueAt(bed, seconds + 3_600, delayed('in an hour'));
      await addRetry(bed, 'retry due', now - 1);
      await addRetry(bed, 'retry in an hour', now + HOUR);
      for (const [worker, end] of Object.entries({ dead: now - 1, live: now + HOUR })) {
        await bed.db.hset(bed.keys.inflight(worker), 'call', 1, 'started', 0, '0:held', delayed(worker));
        await bed.db.zadd(bed.keys.leases, end, worker);
      }
      vi.spyOn(Date, 'now').mockImplementation(() => says(performance.timeOrigin + performance.now()));
      const clock: Clock = { now: () => performance.now(), after: () => () => {} };
      const client = bed.client();
      const registry = createRegistry([Report]);
      const store = redisSchedulerBroker(client, NAMESPACE);
      const cron = new CronRunner({
        entries: { often: { every: '1s', class: 'Report', queue: 'cron' } },
        registry,
        log: silentLogger,
        store: redisCronBroker(client, NAMESPACE),
      });
      const deps = { store, registry, cron, clock, log: silentLogger };

      const result = await tick(deps);

      expect(result).toMatchObject({ promoted: 1, retried: 1, reclaimed: 1, errors: [] });
      expect(names(await bed.queued('q')).sort()).toEqual(['due', 'retry due']);
      expect(names(await bed.queued('held'))).toEqual(['dead']);
      expect((await redisStatsBroker(client, NAMESPACE).read([])).workers).toEqual(['live']);
      const ended = (await bed.db.time()).map(Number)[0] ?? 0;
      expect(result.nextAt, 'the next slot of the entry, not a time of its own').toBeGreaterThan(now);
      expect(result.nextAt).toBeLessThanOrEqual((ended + 2) * 1_000);
      const since = (await bed.db.hgetall(bed.keys.cron.since))['often\nevery 1000'] ?? '';
      expect(Number(since.split(':')[0])).toBeGreaterThanOrEqual(now);
      expect(Number(since.split(':')[0])).toBeLessThan((ended + 2) * 1_000);
    });
  });

  test('a slot that is yet to come by Redis’s clock is not claimed, whatever a scheduler makes of the time', async () => {
    const cron = redisCronBroker(bed.client(), NAMESPACE, () => FIRST - 1);
    const slot = { name: 'a', slot: FIRST, queue: 'q', payload: '{}', lock: undefined, jobId: 'x', dynamic: true };
    expect((await cron.claim([slot])).claims).toEqual(['early']);
    expect(await bed.queued('q')).toEqual([]);
    const later = redisCronBroker(bed.client(), NAMESPACE, () => FIRST);
    expect((await later.claim([slot, slot])).claims).toEqual(['enqueued', 'taken']);
  });

  describe('Redis’s own clock', () => {
    const entries = {
      minutes: { every: '1m', class: 'Report', queue: 'minutes' },
      alone: { every: '1m', class: 'Report', queue: 'alone', overlap: 'skip' as const },
    };

    /** Everything that a scheduler notes, noted a year too late. */
    async function ayearAhead() {
      await setSchedule(bed, 'dynamic', { every: '1m', class: 'Report', queue: 'dynamic' });
      const scheduler = testScheduler({ client: bed.client(), entries });
      for (const time of [START, FIRST]) await scheduler.tick(time + YEAR);
      await redisCronBroker(bed.client(), NAMESPACE, () => FIRST + YEAR).resume('minutes');
      for (const queue of ['minutes', 'dynamic', 'alone']) await bed.db.del(bed.keys.queue(queue));
    }

    test('that was a year ahead for a while: cron goes on, and it is told', async () => {
      await ayearAhead();
      const scheduler = testScheduler({ client: bed.client(), entries });
      for (let time = START; time <= START + 5 * MINUTE; time += 10_000) await scheduler.tick(time);
      const slots = [0, 1, 2, 3, 4].map((minute) => FIRST + minute * MINUTE);
      expect(await slotsIn(bed, 'minutes')).toEqual(slots);
      expect(await slotsIn(bed, 'dynamic')).toEqual(slots);
      expect(await slotsIn(bed, 'alone'), 'its job of next year counts as lost').toEqual(slots.slice(0, 1));
      const told = scheduler.log.lines.map(({ fields }) => fields['key']);
      expect(told.sort()).toEqual([bed.keys.cron.last, bed.keys.cron.paused, bed.keys.cron.since].sort());
    });

    test('that steps back by less than a minute doubles no slot', async () => {
      const scheduler = testScheduler({ client: bed.client(), entries });
      for (const time of [START, FIRST, FIRST - 50_000, FIRST - 1, FIRST, FIRST + 30_000]) await scheduler.tick(time);
      expect(await slotsIn(bed, 'minutes')).toEqual([FIRST]);
      expect(scheduler.log.lines).toEqual([]);
    });
  });

  test('where Redis does not tell anybody the time, ours is all there is', async () => {
    vi.spyOn(Date, 'now').mockReturnValue(START);
    await bed.db.call('ACL', 'SETUSER', 'default', '-time');
    try {
      await enqueueAt(bed, SECONDS - 5, delayed('due'));
      await enqueueAt(bed, SECONDS + 3_600, delayed('later'));
      const time: TimeSource = () => '';
      const store = redisSchedulerBroker(bed.client(), NAMESPACE, time);
      const clock: Clock = { now: () => performance.now(), after: () => () => {} };
      expect(await tick({ store, clock, log: silentLogger })).toMatchObject({ promoted: 1, errors: [] });
    } finally {
      await bed.db.call('ACL', 'SETUSER', 'default', '+time');
    }
  });
});
