import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { PATIENCE } from '../helpers/eventually.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque, runs } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const work = (...flags: readonly string[]) =>
  lambdesque(['work', '--queues', 'q', '--exit-on-complete', '--jobs', JOBS, '--uri', redis.url, ...flags]).ended;

const PRIVATE = 'somebody@example.org';

test('every line is JSON, and each run has one with class, queue, id, attempt, outcome, ms and error', async () => {
  await push(
    redis.client,
    'q',
    `{"class":"Note","args":["${PRIVATE}"],"id":"the-id"}`,
    ...['retry', 'skip', 'discard', 'retry-in'].map((how) => `{"class":"Throws","args":["${PRIVATE}","${how}"]}`),
    `{"class":"Nobody","args":["${PRIVATE}"]}`,
    `{"class":"Strict","args":["${PRIVATE}",{"count":"${PRIVATE}"}]}`,
    `"${PRIVATE}"`,
    `${PRIVATE} is not JSON`,
  );
  const { code, stdout, stderr } = await work('--concurrency', '1');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
  expect(stdout).not.toContain(PRIVATE);

  const lines = runs(stdout);
  const id = expect.stringMatching(/./);
  const ms = expect.any(Number);
  // What cannot run ends before what was reserved with it.
  const expected = [
    { level: 'info', class: 'Note', id: 'the-id', attempt: 1, outcome: 'succeeded' },
    { level: 'warn', class: 'Throws', id, attempt: 1, outcome: 'retried', error: 'TypeError: it broke' },
    { level: 'error', class: 'Throws', id, attempt: 1, outcome: 'failed', error: 'SkipRetry: no use in trying' },
    { level: 'info', class: 'Throws', id, attempt: 1, outcome: 'discarded', error: 'Discard: not wanted any more' },
    {
      level: 'warn',
      class: 'Throws',
      id,
      attempt: 1,
      outcome: 'retried',
      error: expect.stringMatching(/^RetryIn: .* 7200s/),
    },
    {
      level: 'error',
      class: 'Nobody',
      id,
      attempt: 1,
      outcome: 'failed',
      error: expect.stringMatching(/^UnknownClassError: No worker for Nobody in queue q/),
    },
    {
      level: 'error',
      class: 'Strict',
      id,
      attempt: 1,
      outcome: 'failed',
      error: expect.stringMatching(/^ArgumentsError: .*args\.1\.count/),
    },
    { level: 'error', outcome: 'failed', error: expect.stringMatching(/^PayloadError: .*it is a string/) },
    { level: 'error', outcome: 'failed', error: expect.stringMatching(/^PayloadError: .*it is not JSON/) },
  ].map((line) => expect.objectContaining({ queue: 'q', ms, ...line }));
  expect(lines).toHaveLength(expected.length);
  expect(lines).toEqual(expect.arrayContaining(expected));
  for (const line of lines) expect(line).not.toHaveProperty('args');
  // What a handler threw leads to its file and line; what we say ourselves needs no stack.
  for (const line of lines) {
    const stack = line['stack'];
    if (line.class === 'Throws') expect(stack).toMatch(/^at .*worker-jobs\.ts:\d+:\d+\)?$/);
    else expect(stack).toBeUndefined();
  }
  expect(lines.filter((line) => line.class === undefined)).toHaveLength(2);
});

test('--log-args puts the arguments into the line', async () => {
  const args = `["a",{"b":[1.5,null]},12345678901234567890]`;
  await push(redis.client, 'q', `{"class":"Note","args":${args}}`, '{"class":"Throws","args":["x","skip"]}');
  const { code, stdout } = await work('--log-args');
  expect(code).toBe(0);
  expect(stdout).toContain(`"args":["a",{"b":[1.5,null]},`);
  expect(stdout).toContain('12345678901234567890');
  expect(runs(stdout).find((line) => line.class === 'Throws')?.['args']).toEqual(['x', 'skip']);
});

test('--log-args can write whatever arguments there are', async () => {
  const deep = `${'['.repeat(1_000)}${']'.repeat(1_000)}`;
  await push(redis.client, 'q', `{"class":"Note","args":["deep",${deep}]}`);
  await push(redis.client, 'q', '{"class":"Note","args":["p",{"__proto__":{"x":1},"toJSON":1}]}');
  const { code, stdout, stderr } = await work('--log-args');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(runs(stdout).map((line) => line.outcome)).toEqual(['succeeded', 'succeeded']);
});

test('a limit of a queue that others drain is told first, the last line is a summary of what was done', async () => {
  await push(
    redis.client,
    'q',
    '{"class":"Note","args":[1]}',
    '{"class":"Throws","args":[1]}',
    '{}',
    '{"class":"Nobody"}',
  );
  const { stdout } = await work('--limit', 'others=2');
  expect(JSON.parse(stdout.slice(0, stdout.indexOf('\n')))).toMatchObject({
    level: 'warn',
    msg: 'limits.others: no queue of this name is looked into. The queues are q. This worker has no use for the limit',
  });
  expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
    level: 'info',
    msg: 'summary',
    worker: expect.stringMatching(/^lambdesque-.+:\d+:q$/),
    processed: 4,
    succeeded: 1,
    retried: 1,
    failed: 2,
    discarded: 0,
    released: 0,
    lost: 0,
    stopped: 'empty',
  });
});

test('a handler’s own lines carry class, queue, id and attempt', async () => {
  await push(redis.client, 'q', '{"class":"Inspect","args":[1],"id":"my-id"}');
  const { stdout } = await work();
  expect(stdout).toMatch(/"msg":"inspected"/);
  const line = stdout.split('\n').find((one) => one.includes('"msg":"inspected"'));
  expect(JSON.parse(line ?? '')).toMatchObject({ class: 'Inspect', queue: 'q', id: 'my-id', attempt: 1 });
});
