import { readFileSync, rmSync } from 'node:fs';
import type { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterEach, expect, test, vi } from 'vitest';
import { warningsOf } from './stack.ts';

/** What infra/app.ts makes of the values that a deployment gives it. */

const folders: string[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function example(given: object): Promise<{ stack: Stack; emails: () => unknown[] }> {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: object };
  vi.stubEnv('CDK_CONTEXT_JSON', JSON.stringify({ ...context, 'aws:cdk:bundling-stacks': [], ...given }));
  // Another file, or test, may have made the app of other values.
  vi.resetModules();
  const { app } = (await import('../../infra/app.ts')) as { app: App };
  folders.push(app.outdir);
  const stack = app.node.findChild('Lambdesque') as Stack;
  const emails = () =>
    Object.values(Template.fromStack(stack).findResources('AWS::SNS::Subscription')).map(
      (one) => one['Properties'].Endpoint,
    );
  return { stack, emails };
}

test('alarmEmail gets the alarms', async () => {
  const { stack, emails } = await example({ alarmEmail: 'ops@example.com' });
  expect(emails()).toEqual(['ops@example.com']);
  expect(warningsOf(stack)).toEqual([]);
});

test('a deployment without alarmEmail says that it takes the subscription away, unless that is meant', async () => {
  const { stack, emails } = await example({});
  expect(emails()).toEqual([]);
  expect(warningsOf(stack)).toEqual([expect.stringContaining('Nobody gets the alarms')]);
  expect(warningsOf((await example({ alarmEmail: 'none' })).stack)).toEqual([]);
});

test.each([[''], [['ops@example.com']], ['ops']])('alarmEmail %j is refused', async (alarmEmail) => {
  await expect(example({ alarmEmail })).rejects.toThrow(/^alarmEmail must be an address, or none; got/);
});
