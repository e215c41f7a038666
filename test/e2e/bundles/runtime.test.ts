import { expect, test } from 'vitest';
import { eventually } from '../../helpers/eventually.ts';
import { begun, withBundles } from './suite.ts';

/** Environments that end under AWS's runtime client before their invocation does: no job of theirs is lost. */

const DEATHS = [
  {
    class: 'Blocks',
    what: 'runs into the function’s timeout',
    exit: 'SIGKILL',
    says: 'Task timed out after 4.00 seconds',
  },
  { class: 'Exits', what: 'exits', exit: 3, says: '' },
  { class: 'Hoards', what: 'runs out of memory', exit: 'SIGABRT', says: 'heap out of memory' },
  { class: 'Kills', what: 'is killed', exit: 'SIGKILL', says: '' },
];

withBundles((bundles) => {
  const of = (name: string, id: string) => JSON.stringify({ class: name, args: [], id });

  test.each(DEATHS)('an environment that $what loses no job', async ({ class: name, exit, says }) => {
    await bundles.produce(
      'q',
      of('Quick', 'quick-1'),
      of('Quick', 'quick-2'),
      of('Slow', 'slow-1'),
      of('Slow', 'slow-2'),
    );
    const lambda = await bundles.consumer({ concurrency: 10, linger: 3_500 }, { heap: 64 });
    const done = lambda.invoke({}, { timeout: 4_000 });
    await eventually(async () => {
      expect(begun(lambda)).toBe(2);
      expect(await bundles.db.get('resque:stat:processed')).toBe('2');
    });
    await bundles.produce('q', of(name, 'deadly'), of('Quick', 'quick-3'));

    expect(await done).toMatchObject({ died: true, exit });
    expect(lambda.output).toContain(says);

    await bundles.endLeases();
    const scheduler = await bundles.scheduler({ default: {} });
    const { answer } = await scheduler.invoke({}, { timeout: 5_500 });
    expect(answer).toMatchObject({ reclaimed: expect.any(Number), started: { default: 1 } });
    const back = (await bundles.db.lrange('resque:queue:q', 0, -1)).map((payload) => JSON.parse(payload).id);
    const settled = Number(await bundles.db.get('resque:stat:processed'));
    // The third quick one may have ended, and have been settled, before the deadly one began to be so.
    const expected = settled === 3 ? ['deadly', 'slow-1', 'slow-2'] : ['deadly', 'quick-3', 'slow-1', 'slow-2'];
    expect(back.sort()).toEqual(expected);
    expect(await bundles.db.llen('resque:failed')).toBe(0);
    expect(await bundles.db.zcard('resque:leases')).toBe(0);
  });
});
