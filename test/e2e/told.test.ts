import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { moduleFiles } from '../helpers/module-files.ts';
import { payloads, push, queued, range } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const work = (...flags: readonly string[]) => lambdesque(['work', '--queues', 'q', '--uri', redis.url, ...flags]);

describe('a system that is paused', () => {
  test('is told, and is not empty: --exit-on-complete ends with 0 and says so', async () => {
    await redis.client.set('resque:pause-all-workers', 'true');
    await push(redis.client, 'q', ...payloads('Note', [1]));
    const worker = work('--exit-on-complete', '--jobs', JOBS);
    expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
    expect(worker.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', key: 'resque:pause-all-workers', msg: expect.stringMatching(/paused/) }),
    );
    expect(worker.lines.at(-1)).toMatchObject({ msg: 'summary', processed: 0, stopped: 'paused' });
    expect(await queued(redis.client, 'q')).toHaveLength(1);
  });

  test('is told once, and once when it goes on', async () => {
    const worker = work('--jobs', JOBS, '--interval', '20ms', '--namespace', 'app');
    await worker.line((line) => line.msg === 'working' && line['namespace'] === 'app:');
    await redis.client.set('app:pause-all-workers', 'true');
    await worker.line((line) => line.msg.includes('paused: no job'));
    await redis.client.rpush('app:queue:q', ...payloads('Note', range(1, 3)));
    await redis.client.del('app:pause-all-workers');
    await worker.line((line) => line.msg.includes('paused any more'));
    await eventually(() => expect(worker.lines.filter((line) => line.outcome === 'succeeded')).toHaveLength(3));
    worker.signal('SIGTERM');
    await worker.ended;
    expect(worker.lines.filter((line) => line['key'] === 'app:pause-all-workers')).toHaveLength(2);
  });
});

describe('a jobs module', () => {
  const jobs = (text: string) => join(moduleFiles({ 'jobs.ts': text }), 'jobs.ts');

  test('without a job is told', async () => {
    const worker = work('--exit-on-complete', '--jobs', jobs('export default [];'));
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(worker.lines[0]).toMatchObject({ level: 'warn', msg: expect.stringContaining('empty list') });
  });

  test('names its classes in the first line', async () => {
    const worker = work('--exit-on-complete', '--jobs', JOBS);
    await worker.ended;
    expect(worker.lines[0]).toMatchObject({ msg: 'working', classes: expect.arrayContaining(['Note', 'Throws']) });
  });

  test('that throws while it is loaded is told with its own lines, and no other', async () => {
    const text = "import { connect } from './db';\nconnect();\nexport default [];";
    const folder = moduleFiles({
      'jobs.ts': text,
      'db.ts': "enum A { B }\nexport function connect() {\n  throw new TypeError('no DATABASE_URL ' + A.B);\n}",
    });
    const { code, stderr, stdout } = await work('--jobs', join(folder, 'jobs.ts')).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error: --jobs: the module .*jobs\.ts cannot be loaded: TypeError: no DATABASE_URL 0\n {4}at connect \(.*db\.ts:3:9\)\n {4}at .*jobs\.ts:2:1\)?\n$/,
    );
  });

  test('whose handler throws has the lines of its own code in the log', async () => {
    const text = [
      "import { defineJob } from 'lambdesque';",
      'enum Kind { A }',
      'function deep(given: any) {',
      '  return given.user.name + Kind.A;',
      '}',
      "export default [defineJob({ class: 'K', perform: async (args) => {",
      '  await null;',
      '  return deep(args);',
      '} })];',
    ].join('\n');
    await push(redis.client, 'q', '{"class":"K","args":[]}');
    const worker = work('--exit-on-complete', '--jobs', jobs(text));
    await worker.ended;
    const run = worker.lines.find((line) => line.outcome === 'retried');
    expect(run?.error).toMatch(/^TypeError: Cannot read properties of undefined/);
    expect(String(run?.['stack']).split('\n')).toEqual([
      expect.stringMatching(/^at deep \(.*jobs\.ts:4:\d+\)$/),
      expect.stringMatching(/^at .*jobs\.ts:8:10\)?$/),
    ]);
  });

  test.each([
    ['enum', 'enum A { B }\nconst ran = A.B;'],
    ['import without extension', "import { ran } from './other';"],
  ])('with %s runs', async (_what, head) => {
    const folder = moduleFiles({
      'jobs.ts': `import { defineJob } from 'lambdesque';\n${head}\nexport default [defineJob({ class: 'K', perform(_args, ctx) { ctx.log.info('ran ' + ran); } })];`,
      'other.ts': 'export const ran = 0;',
    });
    await push(redis.client, 'q', '{"class":"K","args":[]}');
    const worker = work('--exit-on-complete', '--jobs', join(folder, 'jobs.ts'));
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(worker.lines).toContainEqual(expect.objectContaining({ msg: 'ran 0', class: 'K' }));
  });
});
