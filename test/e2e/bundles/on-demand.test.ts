import { describe, expect, test } from 'vitest';
import type { OnDemandSettings } from '../../../functions/contract/settings.ts';
import { chain, createClient, step } from '../../../shared/index.ts';
import { eventually } from '../../helpers/eventually.ts';
import { serverTime } from '../../helpers/server-time.ts';
import { begun, job, SYSTEM, withBundles } from './suite.ts';

const MINUTE = 60_000;
/** A run that does not stay for what comes later. */
const ONE_TICK = { timeout: 4_000 };
const wake: OnDemandSettings = {
  group: 'jobs',
  schedule: 'next',
  target: 'arn:aws:lambda:eu-central-1:123456789012:function:jobs',
  role: 'arn:aws:iam::123456789012:role/wake',
  fallback: 'arn:aws:sqs:eu-central-1:123456789012:fallback',
};

withBundles(
  (bundles) => {
    const { produce } = bundles;
    const now = () => serverTime(bundles.db);
    const scheduler = (targets = {}) => bundles.scheduler(targets, {}, { wake });
    const consumer = (settings = {}) => bundles.consumer({ wake, ...settings });
    const schedule = () => bundles.aws.schedules.get('jobs/next');

    /** When the schedule goes off, epoch ms; undefined if it never does. */
    function alarm(): number | undefined {
      const { State, ScheduleExpression = '' } = schedule() ?? {};
      const [, time] = /^at\((.*)\)$/.exec(ScheduleExpression) ?? [];
      return State === 'ENABLED' ? Date.parse(`${time}Z`) : undefined;
    }

    async function delay(ms: number): Promise<number> {
      const seconds = Math.floor(((await now()) + ms) / 1000);
      const payload = '{"class":"Quick","args":[],"queue":"q"}';
      await bundles.db.rpush(`resque:delayed:${seconds}`, payload);
      await bundles.db.zadd('resque:delayed_queue_schedule', seconds, seconds);
      return seconds * 1000;
    }

    describe('the scheduler', () => {
      test('with nothing to come sets no schedule', async () => {
        const lambda = await scheduler({ default: {} });
        expect((await lambda.invoke({}, ONE_TICK)).answer).toMatchObject({ ticks: 1, started: {} });
        expect(bundles.aws.scheduleCalls).toEqual([]);
        expect(bundles.aws.invokes).toEqual([]);
      });

      test('sets its schedule to the minute before what is due next, and moves it', async () => {
        const lambda = await scheduler({ default: {} });
        const later = await delay(3 * 60 * MINUTE);
        await lambda.invoke({}, ONE_TICK);
        expect(alarm()).toBe(Math.floor(later / MINUTE) * MINUTE - MINUTE);
        expect(schedule()).toMatchObject({
          ScheduleExpressionTimezone: 'UTC',
          FlexibleTimeWindow: { Mode: 'OFF' },
          ActionAfterCompletion: 'NONE',
          Target: { Arn: wake.target, RoleArn: wake.role, DeadLetterConfig: { Arn: wake.fallback } },
        });

        const earlier = await delay(60 * MINUTE);
        await lambda.invoke({}, ONE_TICK);
        expect(alarm()).toBe(Math.floor(earlier / MINUTE) * MINUTE - MINUTE);

        // The stack was removed and deployed again: Redis knows what was set, but the schedule is gone.
        bundles.aws.schedules.clear();
        await lambda.invoke({}, ONE_TICK);
        expect(alarm()).toBe(Math.floor(earlier / MINUTE) * MINUTE - MINUTE);

        await bundles.db.del('resque:delayed_queue_schedule');
        await lambda.invoke({}, ONE_TICK);
        expect(alarm(), 'disarmed when nothing is left').toBeUndefined();
      });

      test('looks when the lease of a worker ends', async () => {
        const end = (await now()) + 10 * MINUTE;
        await bundles.db.zadd('resque:leases', end, 'somebody:1:q');
        await (await scheduler()).invoke({}, ONE_TICK);
        expect(alarm()).toBe(Math.ceil(end / MINUTE) * MINUTE);
      });

      test('looks again at jobs that wait while workers are paused', async () => {
        await produce('q', job('Quick'));
        await bundles.db.set('resque:pause-all-workers', 'true');
        await (await scheduler({ default: {} })).invoke({}, ONE_TICK);
        expect(alarm()).toBeGreaterThan((await now()) + 4 * MINUTE);
        expect(alarm()).toBeLessThan((await now()) + 7 * MINUTE);
      });

      test('that cannot set the schedule fails, so that the fallback starts it again; then it does', async () => {
        const due = await delay(60 * MINUTE);
        const lambda = await scheduler();
        bundles.aws.schedulesDenied = true;
        const { error } = await lambda.invoke({}, ONE_TICK);
        expect(error?.message).toMatch(/could not be set: AccessDenied.*scheduler:UpdateSchedule.*iam:PassRole/);
        bundles.aws.schedulesDenied = false;
        expect((await lambda.invoke({ Records: [{ eventSource: 'aws:sqs' }] }, ONE_TICK)).error).toBeUndefined();
        expect(alarm()).toBe(Math.floor(due / MINUTE) * MINUTE - MINUTE);
      });

      test('stays for what is due soon, and looks again when somebody rings', async () => {
        await delay(100_000);
        const first = await scheduler({ default: {} });
        const running = first.invoke({}, { timeout: 150_000 });
        await eventually(async () => expect(await bundles.db.get(`resque:scheduler:lease:${SYSTEM}`)).not.toBeNull());
        await produce('q', job('Quick'));
        const second = await scheduler({ default: {} });
        expect((await second.invoke({}, ONE_TICK)).answer).toEqual({ skipped: true });
        await eventually(async () => expect(bundles.aws.invokes).toHaveLength(1));
        // Should the first die before it ends, the scheduler is started nevertheless when its right has expired.
        await first.kill();
        await running;
        expect(alarm()).toBeLessThan((await now()) + 3 * MINUTE);
      });
    });

    describe('a consumer', () => {
      test('has the scheduler look when its lease may have ended, before it takes a job', async () => {
        await produce('q', job('Slow'));
        const lambda = await consumer();
        const running = lambda.invoke();
        await eventually(async () => expect(begun(lambda)).toBe(1));
        const [, end = '0'] = await bundles.db.zrange('resque:leases', '0', '0', 'WITHSCORES');
        expect(alarm()).toBeLessThan(Number(end) + 2 * MINUTE);
        await lambda.kill();
        await running;
        // It is dead, and the scheduler is told to look at it.
        await (await scheduler({ default: {} })).invoke({}, ONE_TICK);
        expect(alarm()).toBeLessThan(Number(end) + 2 * MINUTE);
      });

      test('moves the schedule forward for a retry', async () => {
        await delay(5 * 60 * MINUTE);
        await (await scheduler()).invoke({}, ONE_TICK);
        await produce('q', job('Fails'));
        await (await consumer({ lease: 20 * MINUTE })).invoke();
        const [, due = '0'] = await bundles.db.zrange('resque:retry', '0', '0', 'WITHSCORES');
        expect(alarm()).toBeLessThanOrEqual(Number(due) + MINUTE);
      });

      test('moves it forward for what others enqueued, and rang for', async () => {
        const due = await delay(30 * MINUTE);
        await (await consumer({ lease: 60 * MINUTE })).invoke();
        expect(alarm()).toBe(Math.floor(due / MINUTE) * MINUTE - MINUTE);
      });

      test('moves it forward for what it leaves in its queues', async () => {
        await produce('q', job('Slow'), job('Slow'));
        const lambda = await consumer({ concurrency: 1, lease: 60 * MINUTE });
        expect((await lambda.invoke({}, { timeout: 3_000 })).answer).toMatchObject({ stopped: 'deadline' });
        expect(alarm()).toBeLessThan((await now()) + 2 * MINUTE);
      });

      test('has the scheduler look soon when the next step of a flow, or the first of one that a job starts, is for another consumer', async () => {
        const { url } = bundles.redis;
        await using client = createClient({ url });
        const steps = ['q', 'elsewhere', 'q'].map((queue) => step('Quick', [], { queue }));
        const { id } = await client.flow(chain(...steps)).enqueue();
        await (await consumer({ lease: 60 * MINUTE })).invoke();
        expect(await bundles.db.llen('resque:queue:elsewhere')).toBe(1);
        expect(alarm()).toBeLessThan((await now()) + 2 * MINUTE);
        await (await consumer({ lease: 60 * MINUTE, queues: 'elsewhere' })).invoke();
        expect((await client.flows.get(id))?.progress.succeeded).toBe(2);

        await bundles.db.flushall();
        bundles.aws.schedules.clear();
        await produce('q', job('Starts'));
        await (await consumer({ lease: 60 * MINUTE })).invoke();
        expect(await bundles.db.llen('resque:queue:elsewhere')).toBe(1);
        expect(alarm()).toBeLessThan((await now()) + 2 * MINUTE);
      });

      test('that cannot set the schedule runs its jobs, and fails then', async () => {
        await produce('q', job('Quick'), job('Quick'));
        bundles.aws.schedulesDenied = true;
        const lambda = await consumer();
        expect((await lambda.invoke()).error?.message).toMatch(/could not be set/);
        expect(await bundles.db.llen('resque:queue:q')).toBe(0);
        expect(await bundles.db.get('resque:stat:processed')).toBe('2');
        // Whoever rang may not notice: the scheduler is started, and what fails there is tried again.
        expect(bundles.aws.invokes).toContainEqual({
          functionName: wake.target,
          event: { source: 'lambdesque.consumer', consumer: 'default' },
        });
      });
    });

    test('without the setting nothing is scheduled', async () => {
      await delay(60 * MINUTE);
      await produce('q', job('Quick'));
      await (await bundles.consumer()).invoke();
      await (await bundles.scheduler({ default: {} })).invoke({}, ONE_TICK);
      expect(bundles.aws.scheduleCalls).toEqual([]);
      expect(await bundles.db.exists(`resque:scheduler:wake:${SYSTEM}`)).toBe(0);
    });
  },
  { cron: {} },
);
