import { expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { begun, job, withBundles } from './suite.ts';

withBundles((bundles) => {
  const { consumer, scheduler, produce } = bundles;

  test('Redis away: consumer and scheduler fail with an error that says so, and go on when it is back', async () => {
    await produce('q', job('Quick'));
    const [worker, ticker] = [await consumer(), await scheduler({ default: {} })];
    await bundles.redis.kill();
    try {
      for (const lambda of [worker, ticker]) {
        const { error } = await lambda.invoke({}, { timeout: 10_000 });
        expect(error?.name).toMatch(/^Redis(Unavailable|Reply)Error$/);
        expect(error?.message).toContain('127.0.0.1');
        expect(lambda.output).not.toContain(bundles.secret);
      }
    } finally {
      await bundles.redis.start();
    }
    await eventually(async () => expect((await ticker.invoke({}, { timeout: 4_000 })).error).toBeUndefined());
    await eventually(async () => expect((await worker.invoke()).error).toBeUndefined());
    expect(await bundles.db.llen('resque:queue:q')).toBe(0);
  });

  test('Redis goes away under running jobs: the consumer still answers in time, and no job is lost', async () => {
    await produce('q', job('Slow'), job('Slow'));
    const lambda = await consumer();
    const done = lambda.invoke({}, { timeout: 4_000 });
    await eventually(() => expect(begun(lambda)).toBe(2));
    await bundles.redis.kill();
    try {
      const { died, answer } = await done;
      expect({ died, answer }).toMatchObject({ died: false, answer: { stopped: 'deadline' } });
      expect(lambda.output).toContain('Redis did not take the last outcomes');
    } finally {
      await bundles.redis.start();
    }
    const late = await scheduler();
    await eventually(async () => {
      await bundles.endLeases();
      await late.invoke({}, { timeout: 4_000 });
      expect(await bundles.db.llen('resque:queue:q')).toBe(2);
    });
  });
});
