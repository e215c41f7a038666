import { expect, test } from 'vitest';
import { withBundles } from './suite.ts';

/** Environments that end under AWS's runtime client before their invocation does: no job of theirs is lost. */

const DEATHS = [
  {
    class: 'Blocks',
    what: 'runs into the function’s timeout',
    exit: 'SIGKILL',
    says: 'Task timed out after 5.00 seconds',
  },
  { class: 'Exits', what: 'exits', exit: 3, says: '' },
  { class: 'Hoards', what: 'runs out of memory', exit: 'SIGABRT', says: 'heap out of memory' },
  { class: 'Kills', what: 'is killed', exit: 'SIGKILL', says: '' },
];
const SLOW = ['slow-1', 'slow-2'];

withBundles((bundles) => {
  const of = (name: string, ...ids: string[]) => ids.map((id) => JSON.stringify({ class: name, args: [], id }));
  const processed = async () => Number(await bundles.db.get('resque:stat:processed'));

  test.each(DEATHS)('an environment that $what loses no job', async ({ class: name, exit, says }) => {
    const lambda = await bundles.consumer({ concurrency: 10 }, { heap: 64 });
    await bundles.produce('q', ...of('Quick', 'first-1', 'first-2'));
    expect((await lambda.invoke()).answer).toMatchObject({ succeeded: 2 });
    await bundles.produce('q', ...of('Slow', ...SLOW), ...of('Quick', 'quick-1', 'quick-2'), ...of(name, 'deadly'));

    expect(await lambda.invoke({}, { timeout: name === 'Blocks' ? 5_000 : 30_000 })).toMatchObject({
      died: true,
      exit,
    });
    expect(lambda.output).toContain(says);

    await bundles.endLeases();
    const scheduler = await bundles.scheduler({ default: {} });
    expect((await scheduler.invoke({}, { timeout: 5_500 })).answer).toMatchObject({
      started: { default: expect.any(Number) },
    });
    // Each is in its queue again, or has been settled: the quick ones may have ended before the deadly one began.
    const back = (await bundles.db.lrange('resque:queue:q', 0, -1)).map((payload) => JSON.parse(payload).id);
    expect(back).toEqual(expect.arrayContaining(['deadly', ...SLOW]));
    expect(new Set(back).size).toBe(back.length);
    expect(back.length + (await processed())).toBe(7);
    expect(await bundles.db.llen('resque:failed')).toBe(0);
    expect(await bundles.db.zcard('resque:leases')).toBe(0);
  });
});
