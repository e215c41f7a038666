import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { moduleFiles } from '../helpers/module-files.ts';
import { push } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { hasTerminals } from '../helpers/terminal.ts';
import { type CliProcess, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 4 * PATIENCE, hookTimeout: PATIENCE });

const JOBS = `import { defineJob } from 'lambdesque';
import { word } from './word';
export default [
  defineJob({ class: 'Say', perform: ([what], ctx) => ctx.log.info(word + ' ' + what) }),
  defineJob({ class: 'Wait', perform: (_args, ctx) => new Promise((resolve, reject) => {
    ctx.log.info('waits');
    ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
  }) }),
];`;
const word = (text: string) => `export const word = '${text}';`;
const job = (what: string) => `{"class":"Say","args":["${what}"]}`;

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

function project() {
  const folder = moduleFiles({ 'jobs.ts': JOBS, 'word.ts': word('one') });
  const path = (name: string) => join(folder, name);
  const start = (...flags: string[]) =>
    lambdesque(['dev', '--jobs', path('jobs.ts'), ...flags], { env: { REDIS_URL: redis.url } });
  return { path, start, save: (name: string, text: string) => writeFileSync(path(name), text) };
}

/** Workers that have begun, one after the other. */
const workers = (dev: CliProcess) => dev.lines.filter(({ msg }) => msg === 'working').map((line) => line['worker']);
const working = (dev: CliProcess, nth: number) => eventually(() => expect(workers(dev)).toHaveLength(nth));
const said = (dev: CliProcess, text: string) => dev.line(({ msg }) => msg === text);

async function end(dev: CliProcess): Promise<void> {
  dev.signal('SIGTERM');
  expect(await dev.ended).toMatchObject({ code: 0 });
  expect(await redis.client.smembers('resque:workers')).toEqual([]);
}

describe('dev', () => {
  test('runs the new code when a file changes that a job imports, says which, and loses no job', async () => {
    const { path, start, save } = project();
    const dev = start();
    await working(dev, 1);
    await push(redis.client, 'q', job('before'));
    await said(dev, 'one before');
    save('word.ts', word('two'));
    // While one worker ends and the next begins.
    const meanwhile = Array.from({ length: 20 }, (_, i) => `job ${i}`);
    await push(redis.client, 'q', ...meanwhile.map(job));
    await working(dev, 2);
    await push(redis.client, 'q', job('after'));
    await said(dev, 'two after');
    await eventually(() => {
      const runs = dev.lines.filter(({ outcome }) => outcome === 'succeeded');
      expect(runs).toHaveLength(meanwhile.length + 2);
    });
    expect(dev.lines.find(({ msg }) => msg === 'restarting')?.['changed']).toBe(path('word.ts'));
    // An orderly end gives no job back twice, and is no death.
    expect(dev.lines.filter(({ msg }) => msg === 'working')).toHaveLength(2);
    await end(dev);
    expect(dev.stderr).toBe('');
  });

  test('a syntax error is told with its place, and the next save repairs it', async () => {
    const { start, save, path } = project();
    const dev = start();
    await working(dev, 1);
    save('word.ts', "export const word = 'two");
    await dev.line(({ level, ended }) => level === 'warn' && ended === 2);
    expect(dev.stderr).toMatch(/^error: --jobs: the module .*jobs\.ts cannot be loaded: .*word\.ts:1:25: /);
    await push(redis.client, 'q', job('queued'));
    save('word.ts', word('three'));
    await said(dev, 'three queued');
    expect(dev.lines.findLast(({ msg }) => msg === 'restarting')?.['changed']).toBe(path('word.ts'));
    await end(dev);
  });

  test('it begins with what cannot run yet: an import that is missing is found when it appears', async () => {
    const { start, save, path } = project();
    rmSync(path('word.ts'));
    const dev = start();
    await dev.line(({ ended }) => ended === 2);
    save('word.ts', word('late'));
    await push(redis.client, 'q', job('job'));
    await said(dev, 'late job');
    await end(dev);
  });

  test('a file that is replaced, as many editors do, and the cron module', async () => {
    const { start, save, path } = project();
    const cron = (args: string) =>
      `export default { often: { every: '1h', class: 'Say', queue: 'q', args: ['${args}'] } };`;
    save('cron.ts', cron('x'));
    const dev = start('--cron', path('cron.ts'));
    await working(dev, 1);
    save('word.ts.tmp', word('replaced'));
    renameSync(path('word.ts.tmp'), path('word.ts'));
    await working(dev, 2);
    await push(redis.client, 'q', job('job'));
    await said(dev, 'replaced job');
    save('cron.ts', cron('y'));
    await working(dev, 3);
    await end(dev);
  });

  test('a running job is aborted in the end and goes back; the next worker runs it again', async () => {
    const { start, save } = project();
    const dev = start();
    await working(dev, 1);
    await push(redis.client, 'q', '{"class":"Wait","args":[]}');
    await said(dev, 'waits');
    save(
      'jobs.ts',
      JOBS.replace("ctx.log.info('waits');", "ctx.log.info('the new code, attempt ' + ctx.job.attempt); resolve();"),
    );
    const line = await dev.line(({ msg }) => msg.startsWith('the new code'));
    expect(line.msg).toBe('the new code, attempt 1');
    await end(dev);
  });

  test('a worker that is killed is replaced when something is saved', async () => {
    const { start, save } = project();
    const dev = start();
    await working(dev, 1);
    const pid = Number(/:(\d+):/.exec(String(workers(dev)[0]))?.[1]);
    process.kill(pid, 'SIGKILL');
    await dev.line(({ ended }) => ended === 'SIGKILL');
    save('word.ts', word('again'));
    await working(dev, 2);
    dev.signal('SIGINT');
    expect(await dev.ended).toMatchObject({ code: 0 });
  });

  test('its own Redis stays while workers come and go, and ends with it', async () => {
    const { save, path } = project();
    const dev = lambdesque(['dev', '--jobs', path('jobs.ts')]);
    await working(dev, 1);
    const port = Number(/own server on 127\.0\.0\.1:(\d+)/.exec(dev.stdout)?.[1]);
    const own = new Redis(port, '127.0.0.1', { protocol: 2, retryStrategy: () => null });
    own.on('error', () => {});
    const closed = new Promise((resolve) => own.once('end', resolve));
    await own.set('kept', 'yes');
    save('word.ts', word('two'));
    await working(dev, 2);
    expect(await own.get('kept')).toBe('yes');
    await push(own, 'q', job('there'));
    await said(dev, 'two there');
    dev.signal('SIGTERM');
    expect(await dev.ended).toMatchObject({ code: 0, stderr: '' });
    await closed;
  });

  test('when it is killed its worker ends as well, in good order', async () => {
    const { start } = project();
    const dev = start();
    await working(dev, 1);
    await dev.kill();
    await eventually(async () => expect(await redis.client.smembers('resque:workers')).toEqual([]));
  });

  // A terminal sends it to both, and a second signal would end the worker at once.
  test.skipIf(!hasTerminals)('Ctrl-C lets the running job go back, and ends both with 0', async () => {
    const { path } = project();
    const command = `exec '${process.execPath}' infra/local/cli.ts dev --jobs '${path('jobs.ts')}'`;
    const env = { PATH: process.env['PATH'], SHELL: '/bin/sh', TERM: 'xterm', NO_COLOR: '1', REDIS_URL: redis.url };
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env });
    onTestFinished(() => void terminal.kill('SIGKILL'));
    let shown = '';
    terminal.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text;
    });
    const exited = once(terminal, 'exit');
    await push(redis.client, 'q', '{"class":"Wait","args":[],"id":"waiting"}');
    await eventually(() => expect(shown).toContain('waits'));
    terminal.stdin.write('\u0003');
    expect(await exited).toEqual([0, null]);
    expect(shown).toMatch(/stopping; a second signal ends at once.*released {3}Wait.* summary/s);
    expect(await redis.client.llen('resque:queue:q')).toBe(1);
    expect(await redis.client.smembers('resque:workers')).toEqual([]);
  });
});
