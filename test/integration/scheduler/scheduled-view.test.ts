import { describe, expect, test } from 'vitest';
import { ConfigError, type Scheduled, type WaitingJob } from '../../../shared/index.ts';
import { createRegistry, createScheduled, type RedisClient, redisScheduledBroker } from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { dump } from '../../helpers/brokers.ts';
import { addRetry, delayed, enqueueAt, enqueueAtAsPhp, names, SECONDS } from '../../helpers/scheduler/delayed-jobs.ts';
import { HOUR, Report, START } from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  const view = () => createScheduled(redisScheduledBroker(bed.client(), NAMESPACE), createRegistry([Report]));
  const firstArg = (job: WaitingJob) => job.args[0];

  async function allPages(kind: 'delayed' | 'retry', limit: number): Promise<WaitingJob[][]> {
    const scheduled = view();
    const pages: WaitingJob[][] = [];
    let cursor: string | undefined = '';
    while (cursor !== undefined) {
      const page: Awaited<ReturnType<typeof scheduled.page>> = await scheduled.page(kind, { cursor, limit });
      pages.push([...page.jobs]);
      cursor = page.cursor;
      if (pages.length > 500) throw new Error('The pages do not end.');
    }
    return pages;
  }

  describe('looking', () => {
    test('a delayed job, as it waits', async () => {
      const payload = '{"class":"Job","args":[1,{"a":[2]}],"queue":"q","id":"x","queue_time":1.5}';
      await enqueueAt(bed, SECONDS, payload);
      expect((await view().page('delayed')).jobs).toEqual([
        {
          kind: 'delayed',
          at: new Date(START),
          queue: 'q',
          class: 'Job',
          args: [1, { a: [2] }],
          payload,
          attempts: 0,
          place: `${SECONDS}`,
        },
      ]);
    });

    test('a retry, as it waits, with the payload of its producer', async () => {
      const member = await addRetry(bed, 'a', START + 1, 'q:with:colons');
      expect((await view().page('retry')).jobs).toEqual([
        {
          kind: 'retry',
          at: new Date(START + 1),
          queue: 'q:with:colons',
          class: 'Job',
          args: ['a'],
          payload: '{"class":"Job","args":["a"]}',
          attempts: 1,
          place: member,
        },
      ]);
    });

    test('what is no job is shown as what it is', async () => {
      await enqueueAtAsPhp(bed, SECONDS, 'not JSON', '[1]', '{"class":7}', '{"class":"A","args":{"x":1}}');
      const { jobs } = await view().page('delayed');
      expect(jobs.map((job) => [job.class, job.args, job.queue, job.payload])).toEqual([
        [undefined, [], undefined, 'not JSON'],
        [undefined, [], undefined, '[1]'],
        [undefined, [], undefined, '{"class":7}'],
        ['A', [{ x: 1 }], undefined, '{"class":"A","args":{"x":1}}'],
      ]);
    });

    test('counts', async () => {
      expect(await view().count()).toEqual({ delayed: 0, retries: 0 });
      for (let i = 0; i < 230; i++) await enqueueAt(bed, SECONDS + i, ...Array<string>((i % 3) + 1).fill(delayed(i)));
      for (let i = 0; i < 7; i++) await addRetry(bed, i, START + i);
      expect(await view().count()).toEqual({ delayed: 459, retries: 7 });
    });
  });

  describe('pages', () => {
    const seconds = Array.from({ length: 40 }, (_, i) => SECONDS + 7 * i);
    const perSecond = (i: number) => (i % 5) + 1;
    const wanted = seconds.flatMap((_, i) => Array.from({ length: perSecond(i) }, (_, k) => `${i}-${k}`));
    const fill = async () => {
      for (const [i, second] of seconds.entries()) {
        await enqueueAt(bed, second, ...Array.from({ length: perSecond(i) }, (_, k) => delayed(`${i}-${k}`)));
      }
    };

    test.each([1, 2, 3, 7, 10, 119, 120, 121, 1_000])('of %i delayed jobs over many times', async (limit) => {
      await fill();
      const pages = await allPages('delayed', limit);
      expect(pages.flat().map(firstArg)).toEqual(wanted);
      expect(pages.every((page) => page.length <= limit)).toBe(true);
      expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
    });

    test('of the default size', async () => {
      await fill();
      expect((await view().page('delayed')).jobs).toHaveLength(100);
    });

    test.each([1, 2, 10])('of %i delayed jobs, with empty lists on the schedule in between', async (limit) => {
      await fill();
      for (const second of seconds)
        for (let i = 1; i < 7; i++) await bed.db.zadd(bed.keys.delayedSchedule, second + i, second + i);
      expect((await allPages('delayed', limit)).flat().map(firstArg)).toEqual(wanted);
    });

    test.each([1, 4, 25, 100])('of %i retries', async (limit) => {
      for (let i = 0; i < 25; i++) await addRetry(bed, i, START + i);
      const pages = await allPages('retry', limit);
      expect(pages.flat().map(firstArg)).toEqual(Array.from({ length: 25 }, (_, i) => `${i}`));
      expect(pages.every((page) => page.length <= limit)).toBe(true);
    });

    test('go on where they were when the times before them have been promoted', async () => {
      await fill();
      const first = await view().page('delayed', { limit: 10 });
      for (const second of seconds.slice(0, 4)) {
        await bed.db.del(bed.keys.delayed(second));
        await bed.db.zrem(bed.keys.delayedSchedule, second);
      }
      const second = await view().page('delayed', { limit: 10, cursor: first.cursor ?? '' });
      expect(second.jobs.map(firstArg)).toEqual(wanted.slice(10, 20));
    });
  });

  describe('finding', () => {
    const found = async (filter: Parameters<ReturnType<typeof view>['find']>[0]) => {
      const all: WaitingJob[] = [];
      for await (const job of view().find(filter)) all.push(job);
      return all.map((job) => job.payload);
    };
    const job = (className: string, args: string, queue = 'q') =>
      `{"class":"${className}","args":${args},"queue":"${queue}"}`;

    test('by class, queue and kind, over more than a page', async () => {
      for (let i = 0; i < 250; i++)
        await enqueueAt(bed, SECONDS + i, job(i % 2 ? 'A' : 'B', `[${i}]`, i % 5 ? 'q' : 'five'));
      for (let i = 0; i < 150; i++) await addRetry(bed, i, START + i, i % 3 ? 'q' : 'three');
      expect(await found({})).toHaveLength(400);
      expect(await found({ class: 'A' })).toHaveLength(125);
      expect(await found({ queue: 'five', class: 'B' })).toHaveLength(25);
      expect(await found({ kind: 'retry' })).toHaveLength(150);
      expect(await found({ kind: 'retry', queue: 'three' })).toHaveLength(50);
      expect(await found({ kind: 'delayed', class: 'None' })).toEqual([]);
    });

    test.each<[string, readonly unknown[], string]>([
      ['integers', [1, -2], '[1,-2]'],
      ['integers that no double holds', [12_345_678_901_234_567_890n], '[12345678901234567890]'],
      ['their neighbours are others', [9_007_199_254_740_993n], '[9007199254740993]'],
      ['nested ones', [{ a: [1, null, { b: true }] }, 'x'], '[{"a":[1,null,{"b":true}]},"x"]'],
      ['keys in another order', [{ a: 1, b: 2 }], '[{"b":2,"a":1}]'],
      ['texts, however they are escaped', ['a/b', 'é'], String.raw`["a\/b","\u00e9"]`],
      ['none', [], '[]'],
    ])('by arguments: %s', async (_what, args, json) => {
      const others = [
        '[0]',
        '[1]',
        '["1",-2]',
        '[12345678901234567891]',
        '[9007199254740992]',
        '[{}]',
        '[[]]',
        '[1,-2,3]',
      ];
      for (const [i, one] of [...others, json].entries()) await enqueueAt(bed, SECONDS + i, job('A', one));
      expect(await found({ args })).toEqual([job('A', json)]);
      expect(await found({ args, class: 'B' })).toEqual([]);
    });

    test('what is found may be removed on the way: none is passed over', async () => {
      for (let i = 0; i < 250; i++) await enqueueAt(bed, SECONDS + (i < 150 ? 0 : i), job('A', `[${i}]`));
      for (let i = 0; i < 250; i++) await addRetry(bed, i, START + i);
      const scheduled = view();
      for await (const one of scheduled.find({})) expect(await scheduled.remove(one)).toBe(true);
      expect(await scheduled.count()).toEqual({ delayed: 0, retries: 0 });
      expect(await dump(bed.db)).toEqual({});
    });

    test('what is found may be put off on the way: none comes twice', async () => {
      for (let i = 0; i < 120; i++) await enqueueAt(bed, SECONDS, job('A', `[${i}]`));
      const scheduled = view();
      let moved = 0;
      for await (const one of scheduled.find({ class: 'A' })) {
        await scheduled.reschedule(one, new Date(START + HOUR));
        if (++moved > 200) break;
      }
      expect(moved).toBe(120);
      expect(await bed.db.llen(bed.keys.delayed(SECONDS + 3_600))).toBe(120);
    });
  });

  test('a time that is none is refused', async () => {
    await enqueueAt(bed, SECONDS, delayed('a'));
    const [job] = (await view().page('delayed')).jobs;
    for (const at of [new Date(Number.NaN), new Date(-1)]) {
      await expect(view().reschedule(job as WaitingJob, at)).rejects.toThrow(ConfigError);
    }
    expect(names((await view().page('delayed')).jobs.map((one) => one.payload))).toEqual(['a']);
  });

  describe('of ten thousand due times', () => {
    async function counting(
      look: (scheduled: Scheduled) => Promise<unknown>,
    ): Promise<{ answer: unknown; calls: number }> {
      let calls = 0;
      const inner = bed.client();
      const client: RedisClient = {
        ...inner,
        command(args) {
          calls++;
          return inner.command(args);
        },
        script(script, keys, args) {
          calls++;
          return inner.script(script, keys, args);
        },
      };
      const answer = await look(createScheduled(redisScheduledBroker(client, NAMESPACE)));
      return { answer, calls };
    }

    async function fill(times: number): Promise<void> {
      const pipeline = bed.db.pipeline();
      for (let i = 0; i < times; i++) {
        pipeline.rpush(bed.keys.delayed(SECONDS + i), delayed(i));
        pipeline.zadd(bed.keys.delayedSchedule, SECONDS + i, SECONDS + i);
      }
      await pipeline.exec();
    }

    test('a kind that there is not is refused, and asks nothing', async () => {
      const { calls } = await counting((scheduled) =>
        expect(scheduled.page('foo' as never)).rejects.toThrow('page: kind must be "delayed" or "retry"; got "foo".'),
      );
      expect(calls).toBe(0);
    });

    test('the count takes a few calls', async () => {
      await fill(10_000);
      const { answer, calls } = await counting((scheduled) => scheduled.count());
      expect(answer).toEqual({ delayed: 10_000, retries: 0 });
      expect(calls).toBeLessThanOrEqual(8);
    });

    test('a page takes a few calls, and all pages have all jobs', async () => {
      await fill(1_000);
      const { answer, calls } = await counting((scheduled) => scheduled.page('delayed'));
      expect((answer as Awaited<ReturnType<Scheduled['page']>>).jobs).toHaveLength(100);
      expect(calls).toBeLessThanOrEqual(3);
      const all = await counting(async (scheduled) => {
        const seen: unknown[] = [];
        for await (const job of scheduled.find({})) seen.push(job.args[0]);
        return seen;
      });
      expect(all.answer).toEqual(Array.from({ length: 1_000 }, (_, i) => `${i}`));
      expect(all.calls).toBeLessThan(30);
    });
  });

  test('large payloads come in pages as well, some in each call', async () => {
    const jobs = Array.from({ length: 12 }, (_, i) => delayed(`${i}${'x'.repeat(1_000_000)}`));
    for (let from = 0; from < jobs.length; from += 4)
      await enqueueAt(bed, SECONDS + from, ...jobs.slice(from, from + 4));
    const page = await view().page('delayed', { limit: 10 });
    expect(page.jobs.map(({ payload }) => payload)).toEqual(jobs.slice(0, 10));
    const rest = await view().page('delayed', { limit: 10, cursor: page.cursor ?? '' });
    expect(rest.jobs.map(({ payload }) => payload)).toEqual(jobs.slice(10));
  });

  test('what is no time, no list or no name on the schedule is passed over; the rest is there', async () => {
    const { db, keys } = bed;
    await db.zadd(
      keys.delayedSchedule,
      1,
      Buffer.from([0xff]) as never,
      2,
      'word',
      3,
      '3',
      'inf',
      'never',
      '-inf',
      'ever',
    );
    await db.rpush(keys.delayed('word'), delayed('w'));
    await db.set(keys.delayed(3), 'no list');
    await db.rpush(keys.delayed('ever'), delayed('e'));
    await enqueueAt(bed, SECONDS, delayed('a'));
    const { jobs } = await view().page('delayed');
    expect(names(jobs.map(({ payload }) => payload))).toEqual(['e', 'w', 'a']);
    expect(jobs.map(({ at }) => at.getTime())).toEqual([-8_640_000_000_000_000, 2_000, SECONDS * 1_000]);
    expect((await view().count()).delayed).toBe(3);
    for (const job of jobs) expect(await view().remove(job)).toBe(true);
    expect((await view().count()).delayed).toBe(0);
  });
});
