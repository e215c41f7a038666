import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createConsumerHandler, createSchedulerHandler } from '../../../functions/lambda/index.ts';
import { createClient, defineJob } from '../../../shared/index.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

/** Handlers that a program makes, for functions without the CDK. */

let redis: TestRedis;
const ran: unknown[] = [];
const jobs = [
  defineJob({
    class: 'Hello',
    queue: 'default',
    perform([name]) {
      ran.push(name);
    },
  }),
];
const context = { awsRequestId: '5b0b3c0e-0000-4000-8000-000000000000', getRemainingTimeInMillis: () => 30_000 };

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.stop());

test('a consumer drains its queues on any event; a scheduler promotes what is due', async () => {
  const common = { redis: { url: redis.url }, jobs, namespace: 'app' };
  const consumer = createConsumerHandler({ ...common, queues: ['critical', 'default'], concurrency: 5 });
  const scheduler = createSchedulerHandler({ ...common, consumers: {} });
  await using client = createClient({ url: redis.url, jobs, namespace: 'app' });
  await client.enqueue('Hello', ['now']);
  // Due since long ago, and promoted by nobody so far.
  await redis.client.rpush('app:delayed:1', '{"class":"Hello","args":["later"],"queue":"default"}');
  await redis.client.zadd('app:delayed_queue_schedule', 1, '1');
  expect(await consumer({}, context)).toMatchObject({ processed: 1, succeeded: 1, stopped: 'empty' });
  expect(await scheduler({}, context)).toMatchObject({ promoted: 1 });
  expect(await consumer({}, context)).toMatchObject({ processed: 1 });
  expect(ran).toEqual(['now', 'later']);
});

describe('options are told by name', () => {
  test.each([
    [{ queues: 'a', concurrency: 0 }, 'createConsumerHandler.concurrency must be a whole number, 1 or more; got 0.'],
    [{ queues: '' }, 'createConsumerHandler.queues must be a list of queues'],
    [{ queues: 'a', jobs: undefined }, 'createConsumerHandler: jobs must be a list of what defineJob returns'],
    [
      { queues: 'a', maxWorker: 5 },
      'createConsumerHandler: there is no option "maxWorker" (did you mean "maxWorkers"?).',
    ],
    [
      { queues: 'a', redis: { pasword: 'x' } },
      'redis: there is no option "pasword" (did you mean "password"?). There are',
    ],
    [{ queues: 'a', redis: { url: 5 } }, 'createConsumerHandler: redis.url must be a text, or say where it is stored'],
  ])('%j', (options, message) => {
    expect(() => createConsumerHandler({ jobs, ...options } as never)).toThrow(message);
  });

  test('of a consumer that the scheduler starts', () => {
    const hasty = { default: { functionName: 'f', queues: 'a', targetLatency: 5 } };
    expect(() => createSchedulerHandler({ jobs, consumers: hasty })).toThrow(
      'createSchedulerHandler.consumers.default.targetLatency must be milliseconds, 1000 or more; got 5.',
    );
    const misspelt = { default: { functionName: 'f', queues: 'a', maxWorker: 1 } };
    expect(() => createSchedulerHandler({ jobs, consumers: misspelt } as never)).toThrow(
      'createSchedulerHandler: consumers.default: there is no option "maxWorker"',
    );
    const consumers = { default: { functionName: 'f', queues: 'a', maxWorkers: 0 } };
    expect(() => createSchedulerHandler({ jobs, consumers } as never)).toThrow(
      'createSchedulerHandler.consumers.default.maxWorkers must be a whole number, 1 or more; got 0.',
    );
  });
});

describe('the examples', () => {
  const EXAMPLES = join(import.meta.dirname, '../../../infra/examples');
  const handlers = ['consumer', 'scheduler'];

  test('bundle with what their templates say, to one file each without a dynamic require', async () => {
    const { metafile, warnings } = await build({
      entryPoints: handlers.map((name) => join(EXAMPLES, 'handlers', `${name}.ts`)),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      external: ['@aws-sdk/*'],
      mainFields: ['module', 'main'],
      outdir: '/build',
      write: false,
      metafile: true,
      logLevel: 'error',
    });
    const outputs = Object.values(metafile.outputs);
    expect(outputs.map((one) => one.exports)).toEqual([['handler'], ['handler']]);
    // The runtime has what is left outside; debug asks for supports-color in a try.
    const left = outputs.flatMap(({ imports }) => imports.map(({ path }) => path));
    expect(left.filter((path) => !isBuiltin(path) && !/^(@aws-sdk\/|supports-color$)/.test(path))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  test.each(['sam/template.yaml', 'terraform/main.tf', 'sst/sst.config.ts'])(
    '%s names them, and one function name',
    (path) => {
      const text = readFileSync(join(EXAMPLES, path), 'utf8');
      for (const name of handlers) expect(text).toContain(`${name}.handler`);
      const scheduler = readFileSync(join(EXAMPLES, 'handlers/scheduler.ts'), 'utf8');
      const [, started = ''] = /functionName: '([^']+)'/.exec(scheduler) ?? [];
      const names = dirname(path) === 'terraform' ? 'lambdesque-$' + '{each.key}' : started;
      expect(text).toContain(names);
      expect(started).toBe('lambdesque-default');
      expect(text).toContain('lambdesque/upstash');
      expect(text).toMatch(/rate\(1 minute\)/);
      // What the scheduler asks of AWS.
      expect(text).toContain('lambda:GetAccountSettings');
    },
  );
});
