import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { payloads, push, range } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { JOBS, jsonLines, lambdesque, runs } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

const JOB_COUNT = 500;
const command = () =>
  `"${process.execPath}" infra/local/cli.ts work --queues q --exit-on-complete --jobs "${JOBS}" --uri ${redis.url} --log-args`;

/** Runs the worker in a shell, with its output where the shell puts it. */
const shell = (script: string) => lambdesque([], { command: ['/bin/bash', '-c', script] });

async function expectAllDone(): Promise<void> {
  expect(await redis.client.get('resque:stat:processed')).toBe(`${JOB_COUNT + 1}`);
  expect(await redis.client.llen('resque:queue:q')).toBe(0);
  expect(await redis.client.scard('resque:workers')).toBe(0);
  expect(await redis.client.zcard('resque:retry')).toBe(1);
}

describe('a log that cannot be written stops no job and ends no worker', () => {
  const long = 'x'.repeat(4_000);
  beforeAll(() => expect(long).toHaveLength(4_000));
  const fill = () =>
    push(
      redis.client,
      'q',
      ...payloads(
        'Note',
        range(1, JOB_COUNT).map((i) => `${i} ${long}`),
      ),
      '{"class":"Throws","args":[1]}',
    );

  test.each([
    ['a full disk', () => `exec ${command()} > /dev/full`],
    ['a full disk, for its errors too', () => `exec ${command()} > /dev/full 2> /dev/full`],
    ['a reader that is gone', () => `${command()} | true; exit \${PIPESTATUS[0]}`],
    ['a reader that goes in the middle', () => `${command()} | head -c 100000 > /dev/null; exit \${PIPESTATUS[0]}`],
    ['no output at all', () => `exec ${command()} >&-`],
    ['no output and no errors', () => `exec ${command()} >&- 2>&-`],
  ])('%s', async (_what, script) => {
    await fill();
    expect(await shell(script()).ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    await expectAllDone();
  });

  test('a file system that is full in the middle', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lambdesque-log-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await fill();
    // A limit on the size of files is met as a full disk is: the write fails.
    const file = join(folder, 'log');
    const script = `trap '' XFSZ; ulimit -f 100; exec ${command()} > "${file}"`;
    expect(await shell(script).ended).toMatchObject({ code: 0, signal: null, stderr: '' });
    await expectAllDone();
    expect(jsonLines(`${readFileSync(file, 'utf8').split('\n').slice(0, 5).join('\n')}\n`)[0]?.msg).toBe('working');
  });

  test('a reader that takes nothing', async () => {
    await fill();
    const child = spawn('/bin/bash', ['-c', `exec ${command()}`], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const exited = once(child, 'exit');
    child.stdout.pause();
    await eventually(expectAllDone);
    expect(await exited).toEqual([0, null]);
  });
});

test('what a slow reader takes late is there to the last line', async () => {
  await push(redis.client, 'q', ...payloads('Note', range(1, 100)));
  const { code, stdout } = await shell(`${command()} | { sleep 0.5; cat; }; exit \${PIPESTATUS[0]}`).ended;
  expect(code).toBe(0);
  expect(runs(stdout)).toHaveLength(100);
  expect(jsonLines(stdout).at(-1)).toMatchObject({ msg: 'summary', succeeded: 100 });
});

const SLOW_READER =
  "const { stdin, stdout } = process; stdin.on('data', (part) => { stdout.write(part); stdin.pause(); setTimeout(() => stdin.resume(), 5); })";

test.each([
  ['that keeps up', 'cat'],
  ['that is slower than the jobs', `"${process.execPath}" -e "${SLOW_READER}"`],
])('a reader %s gets every line of many', async (_what, reader) => {
  const count = 5_000;
  await push(
    redis.client,
    'q',
    ...payloads(
      'Note',
      range(1, count).map((i) => `${i} ${'x'.repeat(1_000)}`),
    ),
  );
  const { code, stdout } = await shell(`${command()} | { ${reader}; }; exit \${PIPESTATUS[0]}`).ended;
  expect(code).toBe(0);
  expect(runs(stdout)).toHaveLength(count);
  expect(jsonLines(stdout).at(-1)).toMatchObject({ msg: 'summary', succeeded: count });
});

test('a log file is appended to, and holds every line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lambdesque-log-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log');
  closeSync(openSync(file, 'w'));
  for (let i = 0; i < 2; i++) {
    await push(redis.client, 'q', ...payloads('Note', range(1, 50)));
    expect(await shell(`exec ${command()} >> "${file}"`).ended).toMatchObject({ code: 0 });
  }
  expect(runs(readFileSync(file, 'utf8'))).toHaveLength(100);
});
