import { recordingClient, runJob } from 'lambdesque/testing';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../../../shared/index.ts';

const Welcome = defineJob({
  class: 'Welcome',
  queue: 'mailers',
  args: z.tuple([z.string().transform((text) => text.length)]),
  perform: ([length]) => length,
});

test('the compiler knows the arguments of a definition', async () => {
  const client = recordingClient();
  expect((await runJob(Welcome, ['Zoë'])).result).toBe(3);
  await client.enqueue(Welcome, ['Zoë']);
  client.expectEnqueued(Welcome, ['Zoë']);
  client.expectEnqueued(Welcome, ([name]) => name === 'Zoë');

  // @ts-expect-error its argument is text
  expect((await runJob(Welcome, [3])).outcome).toBe('failed');
  // @ts-expect-error it has one
  expect((await runJob(Welcome, [])).outcome).toBe('failed');
  // @ts-expect-error its argument is text
  expect(() => client.expectEnqueued(Welcome, [3])).toThrow('Expected to be enqueued: Welcome [3]');
  // @ts-expect-error a time is milliseconds, or text with a unit
  expect(() => client.expectEnqueued(Welcome, ['Zoë'], { in: 'soon' })).toThrow('must be a duration');
});
