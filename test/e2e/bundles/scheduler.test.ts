import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { functionWorkerId } from '../../../shared/wire/worker-id.ts';
import { eventually } from '../../helpers/eventually.ts';
import { serverTime } from '../../helpers/server-time.ts';
import { job, SYSTEM, withBundles } from './suite.ts';

/** Not long enough to stay for what comes later: one tick. */
const ONE_TICK = { timeout: 4_000 };

withBundles((bundles) => {
  const { scheduler, produce } = bundles;
  const now = () => serverTime(bundles.db);
  const many = (count: number) => Array.from({ length: count }, () => job('Quick'));
  const startsOf = (name: string) => bundles.aws.invokes.filter((one) => one.functionName === name).length;

  async function live(consumer: string, count: number, system = SYSTEM): Promise<void> {
    for (let i = 0; i < count; i++) {
      const id = functionWorkerId({ system, consumer, requestId: randomUUID() }, ['q']);
      await bundles.db.zadd('resque:leases', (await now()) + 60_000, id);
    }
  }

  /** What a function sends to Redis meanwhile, the commands of its scripts left out. */
  async function commandsOf(action: () => Promise<unknown>): Promise<string[]> {
    if (bundles.backend === 'upstash') {
      const before = bundles.upstash.requests.length;
      await action();
      return bundles.upstash.requests.slice(before).flatMap((one) => Array<string>(one.commands).fill(one.path));
    }
    const monitor = await bundles.db.monitor();
    const sent: string[] = [];
    monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
      if (source !== 'lua') sent.push(command);
    });
    await action();
    // The monitor tells of all commands in their order.
    await bundles.db.echo('end');
    await eventually(() => expect(sent.at(-1)).toBe('echo'));
    monitor.disconnect();
    return sent.slice(0, -1);
  }

  describe('starts consumers', () => {
    test('for the backlog of their queues, up to their limits, with asynchronous invokes', async () => {
      await produce('q', ...many(45));
      await produce('mail_daily', ...many(400));
      await produce('other', ...many(9));
      const lambda = await scheduler({
        default: { queues: 'q', concurrency: 10, maxWorkers: 20 },
        mail: {
          queues: 'mail_*=2,!mail_bulk',
          concurrency: 25,
          maxWorkers: 3,
          functionName: 'arn:aws:lambda:eu-central-1:1:function:mail',
        },
        idle: { queues: 'nothing' },
      });

      const { answer } = await lambda.invoke({}, ONE_TICK);

      expect(answer).toMatchObject({ started: { default: 5, mail: 3 }, ticks: 1 });
      expect(startsOf('fn-default')).toBe(5);
      expect(startsOf('arn:aws:lambda:eu-central-1:1:function:mail')).toBe(3);
      expect(bundles.aws.invokes).toHaveLength(8);
      expect(bundles.aws.invokes[0]?.event).toEqual({
        source: 'lambdesque.scheduler',
        consumer: expect.any(String),
        start: expect.any(String),
      });
    });

    test('counting the live ones, whoever started them', async () => {
      await produce('q', ...many(500));
      await live('default', 3);
      await live('default-2', 4);
      await live('default', 4, 'Other');
      const lambda = await scheduler({ default: { concurrency: 10, maxWorkers: 5 } });
      expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ started: { default: 2 } });
      await live('default', 2);
      expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ started: {} });
    });

    test('in a new account leaving room for its own ticks, and none beside starts that Lambda still holds back', async () => {
      bundles.aws.unreservedConcurrency = 10;
      try {
        await produce('q', ...many(500));
        await produce('r', ...many(500));
        const lambda = await scheduler({ default: {}, second: { queues: 'r' } });
        expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ started: { default: 4, second: 4 } });
        expect(lambda.lines).toContainEqual(
          expect.objectContaining({
            level: 'WARN',
            most: 8,
            missing: 12,
            remedy: expect.stringContaining('Service Quotas'),
          }),
        );
        // Another environment, as after a deployment: no worker has come, since the account is full.
        const next = await scheduler({ default: {}, second: { queues: 'r' } });
        expect((await next.invoke({}, ONE_TICK)).answer).toMatchObject({ started: {} });
        // One came through, and has ended.
        const event = bundles.aws.invokes.find((one) => one.functionName === 'fn-default')?.event;
        const consumer = await bundles.consumer({ queues: 'nothing' });
        expect((await consumer.invoke(event)).answer).toMatchObject({ stopped: 'empty' });
        expect((await next.invoke({}, ONE_TICK)).answer).toMatchObject({ started: { default: 1 } });
      } finally {
        bundles.aws.unreservedConcurrency = 1_000;
      }
    });

    test('not while workers are paused', async () => {
      await produce('q', ...many(5));
      await bundles.db.set('resque:pause-all-workers', 'true');
      const lambda = await scheduler({ default: {} });
      expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ started: {} });
    });

    test('and says which could not be started, when all else is done', async () => {
      await produce('q', ...many(5));
      bundles.aws.throttled.add('fn-default');
      const lambda = await scheduler({ default: {}, second: {} });
      const { error } = await lambda.invoke({}, ONE_TICK);
      expect(error).toMatchObject({ name: 'StartError' });
      expect(error?.message).toContain('refused InvokeFunction for "fn-default" with 400: TooManyRequestsException');
      expect(startsOf('fn-second')).toBe(1);
      expect(lambda.lines).toContainEqual(expect.objectContaining({ Ticks: 1 }));
      expect(await bundles.db.exists(`resque:scheduler:lease:${SYSTEM}`)).toBe(0);
    });
  });

  test('two systems on one Redis each start their own consumers and have their own metrics; what is due moves once', async () => {
    const { db } = bundles;
    await produce('q', ...many(15));
    const due = Math.floor((await now()) / 1000) - 1;
    const delayed = Array.from({ length: 200 }, (_, i) =>
      JSON.stringify({ class: 'Quick', args: [i], queue: 'other' }),
    );
    await db.rpush(`resque:delayed:${due}`, ...delayed);
    await db.zadd('resque:delayed_queue_schedule', due, due);
    await db.hset(
      'resque:persistent_schedules',
      'tidy',
      JSON.stringify({ cron: '* * * * * *', class: 'Quick', queue: 'cron' }),
    );
    const both = await Promise.all(
      ['Shop-Jobs', 'Blog-Jobs'].map((system) =>
        scheduler({ default: { functionName: `${system}-default` } }, {}, { system }),
      ),
    );

    // Long enough for slots of several seconds.
    const runs = await Promise.all(both.map((lambda) => lambda.invoke({}, { timeout: 9_000 })));

    for (const { answer } of runs) expect(answer).toMatchObject({ started: { default: 2 } });
    for (const system of ['Shop-Jobs', 'Blog-Jobs']) expect(startsOf(`${system}-default`)).toBe(2);
    for (const [i, system] of ['Shop-Jobs', 'Blog-Jobs'].entries()) {
      const ticks = both[i]?.lines.filter((line) => 'Ticks' in line);
      expect(ticks).toMatchObject([{ system, Ticks: 1 }]);
      const lives = both[i]?.lines.filter((line) => 'LiveWorkers' in line);
      expect(lives).toMatchObject([{ system, consumer: 'default', LiveWorkers: 0 }]);
    }
    const sum = (key: string) =>
      runs.reduce((all, { answer }) => all + Number((answer as Record<string, number>)[key]), 0);
    expect((await db.lrange('resque:queue:other', 0, -1)).sort()).toEqual(delayed.sort());
    expect(sum('promoted')).toBe(200);
    const slots = (await db.lrange('resque:queue:cron', 0, -1)).map((one) => JSON.parse(one).cron.slot);
    expect(slots.length).toBeGreaterThan(1);
    expect(new Set(slots).size).toBe(slots.length);
    expect(sum('cron')).toBe(slots.length);
  });

  test('promotes what is due, and starts consumers for it', async () => {
    const due = Math.floor((await now()) / 1000) - 3;
    const payload = JSON.stringify({ class: 'Quick', args: [], queue: 'q' });
    await bundles.db.rpush(`resque:delayed:${due}`, payload);
    await bundles.db.zadd('resque:delayed_queue_schedule', due, due);
    const lambda = await scheduler({ default: {} });

    expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ promoted: 1, started: { default: 1 } });

    expect(await bundles.db.lrange('resque:queue:q', 0, -1)).toEqual([payload]);
    const gauges = lambda.lines.find((line) => 'PromotionLateness' in line);
    expect(gauges?.['PromotionLateness']).toBeGreaterThanOrEqual(3_000);
    expect(gauges).toMatchObject({ Ticks: 1, Delayed: 0, Retries: 0, FailedLength: 0 });
  });

  test('what cannot be used keeps no consumer from being started, and is logged once by an environment', async () => {
    const { db } = bundles;
    await db.zadd('resque:delayed_queue_schedule', 100, '100', 200, '200');
    await db.set('resque:delayed:100', 'no list');
    await db.rpush('resque:delayed:200', JSON.stringify({ class: 'Quick', args: [], queue: 'q' }));
    await db.set('resque:cron:since', 'no hash');
    await db.zadd('resque:leases', 1, Buffer.from([0xff, 0xfe]) as never);
    const lambda = await scheduler({ default: {} });

    expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ promoted: 1, started: { default: 1 } });
    expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ promoted: 0 });

    for (const key of ['resque:delayed:100', 'resque:cron:since', 'resque:leases']) {
      expect(
        lambda.lines.filter((line) => line['key'] === key),
        key,
      ).toHaveLength(1);
    }
  });

  test('a step that fails is an error of the invocation, when all others have done their work', async () => {
    const { db } = bundles;
    await db.zadd('resque:delayed_queue_schedule', 100, '100');
    await db.rpush('resque:delayed:100', JSON.stringify({ class: 'Quick', args: [], queue: 'q' }));
    await db.zadd('resque:retry', 1, 'r:q');
    await db.hset('resque:retry:payloads', 'r:q', job('Quick'));
    // The only command of its kind: without it no retry leaves.
    await db.call('ACL', 'SETUSER', 'default', '-zrem');
    try {
      const lambda = await scheduler({ default: {} });
      const { error } = await lambda.invoke({}, ONE_TICK);
      expect(error).toMatchObject({ name: expect.stringMatching(/^Redis/) });
      expect(bundles.aws.invokes).toHaveLength(1);
      expect(lambda.lines).toContainEqual(expect.objectContaining({ Ticks: 1 }));
      expect(await db.exists(`resque:scheduler:lease:${SYSTEM}`)).toBe(0);
    } finally {
      await db.call('ACL', 'SETUSER', 'default', '+@all');
    }
  });

  test('stays for what is due before the next tick', async () => {
    const lambda = await scheduler({ default: {} });
    const due = Math.floor((await now()) / 1000) + 2;
    await bundles.db.rpush(`resque:delayed:${due}`, JSON.stringify({ class: 'Quick', args: [], queue: 'q' }));
    await bundles.db.zadd('resque:delayed_queue_schedule', due, due);

    const { answer } = await lambda.invoke({}, { timeout: 30_000 });

    expect(answer).toMatchObject({ promoted: 1, ticks: 2, started: { default: 1 } });
    const late = lambda.lines.flatMap((line) =>
      'PromotionLateness' in line ? [Number(line['PromotionLateness'])] : [],
    );
    expect(Math.max(...late)).toBeLessThan(10_000);
  });

  test('one tick at a time: another waits a little, then does nothing', async () => {
    await produce('q', ...many(5));
    await bundles.db.set(`resque:scheduler:lease:${SYSTEM}`, 'a tick that is at work', 'PX', 60_000);
    const lambda = await scheduler({ default: {} });
    const running = lambda.invoke({}, { timeout: 30_000 });
    expect((await running).answer).toEqual({ skipped: true });
    expect(bundles.aws.invokes).toEqual([]);

    const next = lambda.invoke({}, ONE_TICK);
    await bundles.db.del(`resque:scheduler:lease:${SYSTEM}`);
    expect((await next).answer).toMatchObject({ started: { default: 1 } });
  });

  test('with nothing to do sends three commands, once it knows the queues and due times', async () => {
    await bundles.db.sadd('resque:queues', 'empty', 'mail_daily');
    const later = Math.floor((await now()) / 1000) + 3_600;
    await bundles.db.rpush(`resque:delayed:${later}`, '{}', '{}');
    await bundles.db.zadd('resque:delayed_queue_schedule', later, later);
    const leap = { cron: '59 3 29 2 *', class: 'Quick' };
    await bundles.db.hset('resque:persistent_schedules', 'leap', JSON.stringify(leap));
    await live('default', 1);
    const lambda = await scheduler({ default: {}, mail: { queues: 'mail_*' } });
    await lambda.invoke({}, ONE_TICK);

    const sent = await commandsOf(() => lambda.invoke({}, ONE_TICK));

    expect(sent).toHaveLength(3);
    const delayed = lambda.lines.flatMap((line) => ('Delayed' in line ? [line['Delayed']] : []));
    expect(delayed).toEqual([2, 2]);
  });

  test('writes the gauges', async () => {
    await bundles.db.sadd('resque:queues', 'empty');
    const queueTime = (await now()) / 1000 - 90;
    await produce('q', JSON.stringify({ class: 'Quick', args: [], queue_time: queueTime }), job('Quick'));
    await produce('ruby', job('Quick'));
    await bundles.db.rpush('resque:failed', '{}', '{}');
    await bundles.db.zadd('resque:retry', (await now()) + 3_600_000, 'r:q');
    await bundles.db.set('resque:queue:broken', 'no list');
    await bundles.db.sadd('resque:queues', 'broken');
    const later = Math.floor((await now()) / 1000) + 3_600;
    await bundles.db.rpush(`resque:delayed:${later}`, '{}', '{}', '{}');
    await bundles.db.zadd('resque:delayed_queue_schedule', later, later);
    await live('default', 1);
    const lambda = await scheduler({ default: { maxWorkers: 1 } });

    await lambda.invoke({}, ONE_TICK);

    const lines = lambda.lines.filter((line) => '_aws' in line).map(({ _aws, ...values }) => values);
    expect(lines).toEqual(
      expect.arrayContaining([
        { system: SYSTEM, Ticks: 1, Delayed: 3, Retries: 1, FailedLength: 2, PromotionLateness: 0 },
        { system: SYSTEM, queue: 'q', Depth: 2, OldestAge: expect.closeTo(90, -1) },
        // Ruby does not say when it enqueued.
        { system: SYSTEM, queue: 'ruby', Depth: 1 },
        { system: SYSTEM, queue: 'empty', Depth: 0, OldestAge: 0 },
        { system: SYSTEM, queue: 'broken', Depth: 0, OldestAge: 0 },
        { system: SYSTEM, consumer: 'default', LiveWorkers: 1 },
      ]),
    );
    expect(lines).toHaveLength(6);
  });

  test('enqueues cron slots with the queue of the class, which it knows without the class', async () => {
    const lambda = await scheduler({ default: {} });
    await bundles.db.hset('resque:persistent_schedules', 'tidy', JSON.stringify({ every: '1s', class: 'Quick' }));
    await eventually(async () => {
      await lambda.invoke({}, ONE_TICK);
      expect(await bundles.db.llen('resque:queue:q')).toBeGreaterThan(0);
    });
    const [payload] = await bundles.db.lrange('resque:queue:q', 0, 0);
    expect(JSON.parse(payload ?? '')).toMatchObject({ class: 'Quick', cron: { name: 'tidy' } });
  });
});
