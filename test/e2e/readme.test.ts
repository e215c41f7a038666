import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { builtPackage } from '../helpers/built-package.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { failed, push, queued } from '../helpers/queue-state.ts';
import { type Block, commandsOf, ROOT, readDoc } from '../helpers/readmes.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';

/** What README shows first does what README says, to the letter. */

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

const readme = readDoc('README.md');
const block = (doc: { readonly blocks: readonly Block[] }, language: string, contains: string): string =>
  doc.blocks.find((one) => one.language === language && one.text.includes(contains))?.text ?? '';

let redis: TestRedis;
let folder: string;
beforeAll(async () => {
  const [started, built] = await Promise.all([startRedis(), builtPackage()]);
  redis = started;
  // Within the built package, so that programs find it by its name, and the other packages.
  folder = mkdtempSync(join(built, 'readme-'));
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const [, list] = /`(export default \[.*\];)`/.exec(readme.text) ?? [];
  write('functions/jobs/report.ts', block(readme, 'ts', '// functions/jobs/report.ts'));
  write('producer.ts', block(readme, 'ts', '// producer.ts'));
  write('retry-failed.ts', block(readDoc('functions/README.md'), 'ts', '// retry-failed.ts'));
  write(
    'functions/jobs/index.ts',
    `import { Report } from './report.ts';\nimport { Welcome } from './welcome.ts';\n${list}\n`,
  );
  // In a project as init makes it.
  cpSync(join(ROOT, 'infra/local/template/functions/jobs/welcome.ts'), join(folder, 'functions/jobs/welcome.ts'));
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await redis.stop();
});

/** Runs lines of a shell as they stand, where the clone's commands and the default Redis are the test's. */
function shell(script: string): Promise<{ code: number | null; output: string }> {
  const { port } = new URL(redis.url);
  const own = `
    npx() { shift; "${process.execPath}" ../dist/infra/local/cli.js "$@"; }
    node() { "${process.execPath}" "$@"; }
    redis-cli() { "$(type -P redis-cli || type -P valkey-cli)" -p ${port} "$@"; }
    set -e
  `;
  const child = spawn('bash', ['-c', own + script], {
    cwd: folder,
    timeout: PATIENCE,
    killSignal: 'SIGKILL',
    env: { PATH: process.env['PATH'], REDIS_URL: redis.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, output }));
  });
}

describe('your first job', () => {
  const commands = block(readme, 'sh', 'npx lambdesque enqueue').split('\n');
  const [enqueue = '', work = ''] = commands.filter((line) => line.startsWith('npx lambdesque'));

  test('is enqueued and run by the commands below it', async () => {
    expect(await shell(enqueue)).toMatchObject({
      code: 0,
      output: expect.stringMatching(/^Enqueued Report in reports/),
    });
    const ran = await shell(work);
    expect(ran).toMatchObject({ code: 0, output: expect.stringContaining('report of May') });
    expect(ran.output).toMatch(/"outcome":"succeeded"/);
    expect(await redis.client.keys('resque:queue:*')).toEqual([]);
  });

  test('is enqueued by redis-cli, too', async () => {
    const push = commandsOf(readme).find(({ text }) => text.startsWith('redis-cli RPUSH'))?.text ?? '';
    expect(await shell(push)).toMatchObject({ code: 0 });
    expect((await shell(work)).output).toContain('report of May');
  });

  test('is enqueued by the program, which ends by itself', async () => {
    expect(await shell('node producer.ts')).toEqual({ code: 0, output: '' });
    // The members of the group; the one that is for later waits elsewhere.
    expect(await queued(redis.client, 'reports')).toEqual(
      ['April', 'May', 'June'].map((month) => expect.stringContaining(`{"class":"Report","args":["${month}"],"id":`)),
    );
    expect(await redis.client.zcard('resque:delayed_queue_schedule')).toBe(1);
    expect((await shell(work)).output).toContain('report of May');
  });

  test('goes back from the failed list with every byte it had', async () => {
    const payload = String.raw`{"args":[12345678901234567890,"it's \"so\",\"exception\":1"],"class":"Report","own":1.0}`;
    await push(redis.client, 'reports', '{"class":"Report","args":[]}', payload);
    await shell(work);
    expect(await failed(redis.client)).toHaveLength(2);
    expect(await shell('node retry-failed.ts')).toEqual({ code: 0, output: '2 run again\n' });
    expect(await queued(redis.client, 'reports')).toEqual([payload, '{"class":"Report","args":[]}']);
    expect(await failed(redis.client)).toMatchObject([1, 2].map(() => ({ retried_at: expect.any(String) })));
  });
});

test('the demo prints what README shows of it', async () => {
  const { code, output } = await shell(`cd "${ROOT}" && unset REDIS_URL && node infra/local/cli.ts demo`);
  expect(code).toBe(0);
  const shown = block(readme, 'text', 'succeeded')
    .split('\n')
    .map((line) => line.replace(/^ *[\d.]+ s +/, ''));
  expect(shown.length).toBeGreaterThan(5);
  for (const line of shown) expect(output).toContain(line);
});
