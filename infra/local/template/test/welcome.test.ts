import { runJob } from 'lambdesque/testing';
import { expect, test } from 'vitest';
import { Welcome } from '../functions/jobs/welcome.ts';

test('welcomes who is named', async () => {
  expect(await runJob(Welcome, ['Zoë'])).toMatchObject({ outcome: 'succeeded' });
});

test('refuses what is no name', async () => {
  // @ts-expect-error The types refuse it as well; other programs have none.
  expect(await runJob(Welcome, [42])).toMatchObject({ outcome: 'failed' });
});
