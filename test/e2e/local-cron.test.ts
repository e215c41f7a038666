import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { moduleFiles } from '../helpers/module-files.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { jsonLines, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const JOBS = `import { defineJob } from 'lambdesque';
export default [defineJob({ class: 'K', queue: 'q', perform(args, ctx) { ctx.log.info('ran ' + String(args[0])); } })];`;
const files = (cron?: string) => {
  const folder = moduleFiles({ 'jobs.ts': JOBS, ...(cron === undefined ? {} : { 'cron.ts': cron }) });
  return { jobs: join(folder, 'jobs.ts'), cron: join(folder, 'cron.ts') };
};

/** As Ruby's resque-scheduler or a program keeps one. */
const keepInRedis = () =>
  redis.client.hset(
    'resque:persistent_schedules',
    'often',
    '{"every":"1s","class":"K","queue":"q","args":["from Redis"]}',
  );
const STATIC = `export default { often2: { every: '1s', class: 'K', args: ['from the module'] } };`;

describe('work --scheduler', () => {
  test('runs the entries that are in Redis and those of a module', async () => {
    await keepInRedis();
    const { jobs, cron } = files(STATIC);
    const flags = ['--queues', 'q', '--jobs', jobs, '--cron', cron, '--interval', '50ms', '--uri', redis.url];
    const worker = lambdesque(['work', '--scheduler', ...flags]);
    const first = await worker.line((line) => line.msg === 'working');
    expect(first).toMatchObject({ scheduler: true, cron: ['often2'] });
    for (const args of ['from Redis', 'from the module']) {
      await eventually(() =>
        expect(worker.lines.filter((line) => line.msg === `ran ${args}`).length).toBeGreaterThan(1),
      );
    }
    worker.signal('SIGTERM');
    expect(await worker.ended).toMatchObject({ code: 0, stderr: '' });
  });

  test('is what --cron needs', async () => {
    const { jobs, cron } = files(STATIC);
    const run = await lambdesque(['work', '--queues', 'q', '--jobs', jobs, '--cron', cron, '--uri', redis.url]).ended;
    expect(run).toMatchObject({ code: 2, stderr: expect.stringContaining('--scheduler') });
  });
});

test('tick enqueues what is due', async () => {
  await keepInRedis();
  const { jobs, cron } = files(STATIC);
  const tick = async () => {
    const { code, stdout } = await lambdesque(['tick', '--jobs', jobs, '--cron', cron, '--uri', redis.url]).ended;
    expect(code).toBe(0);
    return Number(jsonLines(stdout).at(-1)?.['cron']);
  };
  // The first one sees the entries, the next one their slots.
  let enqueued = await tick();
  await eventually(async () => {
    enqueued += await tick();
    expect(enqueued).toBeGreaterThan(1);
  });
  expect(await redis.client.llen('resque:queue:q')).toBe(enqueued);
});

test('start runs the entries of this repository, and those in Redis', async () => {
  await keepInRedis();
  const { jobs, cron } = files(STATIC);
  const start = lambdesque(['start', '--jobs', jobs, '--cron', cron], { env: { REDIS_URL: redis.url } });
  await start.line((line) => line.msg === 'ran from Redis');
  await start.line((line) => line.msg === 'ran from the module');
  expect(start.stdout).toContain('Cron entries: often2');
  start.signal('SIGTERM');
  expect(await start.ended).toMatchObject({ code: 0, stderr: '' });

  const own = lambdesque(['start'], { env: { REDIS_URL: redis.url } });
  await own.line((line) => line.msg === 'working');
  expect(own.stdout).toContain('Cron entries: goodMorning');
  own.signal('SIGTERM');
  await own.ended;
});

test.each<[string, string | undefined, readonly RegExp[]]>([
  ['is not there', undefined, [/--cron: the module .* does not exist/]],
  [
    'exports a list',
    'export default [];',
    [/--cron: the module .* must export an object of cron entries.*it is|an array/],
  ],
  ['exports nothing', 'export const x = 1;', [/must export an object of cron entries.*missing/]],
  ['names a class that nobody defines', "export default { a: { every: '1s', class: 'L' } };", [/--cron: .*"a"/, /"L"/]],
  ['has a time that is none', "export default { a: { cron: '99 * * * *', class: 'K' } };", [/--cron: .*"a"/, /99/]],
  ['throws', "throw new Error('no TZ');\nexport default {};", [/--cron: .*no TZ\n {4}at .*cron\.ts:1:7/]],
])('a cron module that %s is a mistake', async (_what, text, says) => {
  const { jobs, cron } = files(text);
  const run = await lambdesque(['tick', '--jobs', jobs, '--cron', cron, '--uri', redis.url]).ended;
  expect(run.code).toBe(2);
  for (const one of says) expect(run.stderr).toMatch(one);
});
