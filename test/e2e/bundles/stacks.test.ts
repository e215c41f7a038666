import { expect, test } from 'vitest';
import { job, withBundles } from './suite.ts';

withBundles((bundles) => {
  test('the log leads to the file and line of what a handler threw, and to no other', async () => {
    await bundles.produce('q', job('Fails'));
    // As the constructs set it.
    const lambda = await bundles.consumer({}, { env: { NODE_OPTIONS: '--enable-source-maps' } });
    await lambda.invoke();
    const line = lambda.lines.find((one) => one['message'] === 'job retried');
    expect(line).toMatchObject({ class: 'Fails', error: 'BadDay: it rains' });
    const [thrower, ...around] = String(line?.['stack']).split('\n');
    expect(thrower).toMatch(/^at .*perform .*jobs\.ts:\d+:\d+\)?$/);
    // The module's own middleware.
    expect(around).toEqual([expect.stringMatching(/^at outer .*jobs\.ts:\d+:\d+\)?$/)]);
  });

  test('without source maps the stack is that of the bundle', async () => {
    await bundles.produce('q', job('Fails'));
    const lambda = await bundles.consumer();
    await lambda.invoke();
    const line = lambda.lines.find((one) => one['message'] === 'job retried');
    expect(line?.['stack']).toMatch(/^at .*index\.mjs:\d+:\d+/);
  });
});
