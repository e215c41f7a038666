import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { builtPackage } from '../helpers/built-package.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { freshFolder } from '../helpers/fresh-folder.ts';
import { oldestNode, oldestVersion } from '../helpers/oldest-node.ts';
import { queued } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { lambdesque, runs } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: 4 * PATIENCE });

const JOBS = new URL('../helpers/smoke-jobs.ts', import.meta.url).pathname;

/** A program that enqueues, without a top-level await, which CommonJS has not. */
const PRODUCER = `
const client = createClient({ url: process.argv[2] });
client.enqueue('Hello', ['hi'], { queue: 'produced' }).then(() => client.close()).then(() => console.log('closed'));
`;

/** The rest of this suite runs the sources on one Node; what older ones lack shows only here, in what is published. */
describe('on the oldest Node that package.json names, the published package', () => {
  let redis: TestRedis;
  let node: string | undefined;
  let folder: string;
  beforeAll(async () => {
    [redis, folder] = await Promise.all([startRedis(), builtPackage()]);
    node = await oldestNode().catch((error: Error) => {
      if (process.env['CI']) throw error;
      console.warn(`Skipped, since npm cannot install that Node here: ${error.message.split('\n', 2).join(' ')}`);
      return undefined;
    });
  });
  beforeEach((context) => {
    context.skip(node === undefined, 'npm cannot install that Node here');
  });
  afterEach(() => redis.client.flushall());
  afterAll(() => redis.stop());

  const cli = (...args: readonly string[]) =>
    lambdesque(args, { command: [`${node}`, join(folder, 'dist/infra/local/cli.js')] }).ended;

  test('it is that one', async () => {
    const { ended } = lambdesque(['--version'], { command: [`${node}`] });
    expect((await ended).stdout).toBe(`v${await oldestVersion()}\n`);
  });

  test('the command line says its version and its help, and nothing else', async () => {
    expect(await cli('--version')).toEqual({ code: 0, signal: null, stdout: expect.stringMatching(/^\d/), stderr: '' });
    const { code, stdout, stderr } = await cli('work', '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('--exit-on-complete');
  });

  test('a project is made, without a word of what is experimental there', async () => {
    const { code, stderr } = await cli('init', join(freshFolder().path, 'project'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('jobs are enqueued and run, and what fails is told by its own name', async () => {
    const to = ['--uri', redis.url, '--jobs', JOBS];
    const args = ['"Zoë"', '12345678901234567890', '{}'];
    expect(await cli('enqueue', 'Hello', ...args, '--json', ...to)).toMatchObject({ code: 0, stderr: '' });
    const worked = await cli('work', '--queues', 'smoke', '--exit-on-complete', ...to);

    expect(worked).toMatchObject({ code: 0, stderr: '' });
    expect(worked.stdout).toMatch(/"id":"12345678901234567890".*"name":"Zoë","copies":1/);
    expect(worked.stdout).toContain('{"msg":"called back","class":"Declined"}');
    expect(runs(worked.stdout)).toEqual([
      expect.objectContaining({ class: 'Hello', outcome: 'succeeded' }),
      expect.objectContaining({ class: 'Declined', outcome: 'failed' }),
    ]);
    const [entry = '', ...others] = await redis.client.lrange('resque:failed', 0, -1);
    expect(others).toEqual([]);
    expect(JSON.parse(entry)).toMatchObject({
      payload: { class: 'Declined', args: [] },
      exception: 'TypeError',
      error: 'card declined',
      backtrace: expect.arrayContaining([expect.stringContaining('smoke-jobs.ts'), 'Caused by: RangeError: no money']),
      queue: 'smoke',
    });
  });

  test('what is due is promoted', async () => {
    const payload = '{"class":"Hello","args":[],"queue":"smoke"}';
    await redis.client.rpush('resque:delayed:1', payload);
    await redis.client.zadd('resque:delayed_queue_schedule', 1, '1');
    expect(await cli('tick', '--uri', redis.url, '--jobs', JOBS)).toMatchObject({ code: 0, stderr: '' });
    expect(await queued(redis.client, 'smoke')).toEqual([payload]);
  });

  test('a project is made, and told that its TypeScript needs a later one', async () => {
    const { code, stdout } = await cli('init', join(folder, 'project'));
    expect(code).toBe(0);
    expect(stdout).toContain(
      `npm run synth needs Node.js 22.18 or later, which runs TypeScript; this is ${await oldestVersion()}.`,
    );
  });

  test.each([
    ['ESM', 'producer.mjs', `import { createClient } from 'lambdesque';${PRODUCER}`],
    ['CommonJS', 'producer.cjs', `const { createClient } = require('lambdesque');${PRODUCER}`],
  ])('a producer enqueues, and ends by itself: %s', async (_, name, text) => {
    writeFileSync(join(folder, name), text);
    const { ended } = lambdesque([redis.url], { command: [`${node}`, join(folder, name)] });
    const { stderr, ...rest } = await ended;
    expect(rest).toEqual({ code: 0, signal: null, stdout: 'closed\n' });
    // Node.js 22.12 says of each require of an ES module that this is new; later ones do not.
    expect(
      stderr.replace(/^.*(ExperimentalWarning: .*require|Support for loading ES|node --trace-warnings).*\n/gm, ''),
    ).toBe('');
    expect(await queued(redis.client, 'produced')).toHaveLength(1);
  });
});
