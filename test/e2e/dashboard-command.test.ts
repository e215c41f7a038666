import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventually, PATIENCE } from '../helpers/eventually.ts';
import { freePort, startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { type CliProcess, lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE });

const PASSWORD = 'correct horse battery staple';

let redis: TestRedis;
let folder: string;
beforeAll(async () => {
  redis = await startRedis();
  folder = await mkdtemp(join(tmpdir(), 'lambdesque-dashboard-'));
});
afterAll(async () => {
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function urlOf(command: CliProcess): Promise<string> {
  return eventually(() => {
    const url = /Dashboard: (http:\S+)/.exec(command.stdout)?.[1];
    if (url === undefined) throw new Error(`No dashboard yet: ${command.stdout}${command.stderr}`);
    return url;
  });
}

const dashboard = (...args: string[]) => lambdesque(['dashboard', '--uri', redis.url, ...args]);

test('lambdesque dashboard serves the page on this machine alone, until a signal', async () => {
  const command = dashboard();
  const url = await urlOf(command);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const page = await fetch(`${url}/settings`);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain(`127.0.0.1:${redis.port}`);
  command.signal('SIGTERM');
  expect(await command.ended).toMatchObject({ code: 0, stderr: '' });
  await expect(fetch(url)).rejects.toThrow();
});

// macOS has only the first one.
test.skipIf(process.platform === 'darwin')(
  'another address of this machine needs no password, and answers to its name',
  async () => {
    const url = await urlOf(dashboard('--host', '127.0.0.2'));
    expect(url).toMatch(/^http:\/\/127\.0\.0\.2:\d+$/);
    expect((await fetch(url)).status).toBe(200);
  },
);

test('a second one takes a free port; a port that was asked for and is taken is an error', async () => {
  const [first, second] = [dashboard(), dashboard()];
  expect(await urlOf(first)).not.toBe(await urlOf(second));
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await dashboard('--port', String(port)).ended;
  taken.close();
  expect(code).toBe(2);
  expect(stderr).toContain(`port ${port}: another program has that port. Give another --port`);
});

describe('for other machines', () => {
  test('it needs a password', async () => {
    const { code, stderr } = await dashboard('--host', '0.0.0.0').ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /--host 0\.0\.0\.0 opens the dashboard to other machines.*LAMBDESQUE_DASHBOARD_PASSWORD.*--password-file/,
    );
  });

  test.each([
    ['too short', 'short', /a password must have 12 characters or more; this one has 5/],
    ['missing', undefined, /--password-file: .* cannot be read/],
  ])('a password file that is %s is an error', async (name, text, message) => {
    const file = join(folder, name);
    if (text !== undefined) await writeFile(file, text);
    const { code, stderr } = await dashboard('--host', '0.0.0.0', '--password-file', file).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  test('with one it asks for it, whatever name it is reached by', async () => {
    const port = await freePort();
    const command = lambdesque(['dashboard', '--uri', redis.url, '--host', '0.0.0.0', '--port', String(port)], {
      env: { LAMBDESQUE_DASHBOARD_PASSWORD: PASSWORD },
    });
    await urlOf(command);
    const url = `http://localhost:${port}`;
    const shut = await fetch(`${url}/queues`, { redirect: 'manual' });
    expect(shut.status).toBe(303);
    const body = new URLSearchParams({ password: PASSWORD });
    const opened = await fetch(`${url}/sign-in`, { method: 'POST', body, redirect: 'manual' });
    expect(opened.headers.get('set-cookie')).toMatch(/^lambdesque=.*HttpOnly; SameSite=Strict/);
    const cookie = (opened.headers.get('set-cookie') ?? '').replace(/;.*/, '');
    expect((await fetch(`${url}/queues`, { headers: { cookie } })).status).toBe(200);
    expect(command.stdout + command.stderr).not.toContain(PASSWORD);
  });
});

test('--read-only offers no change, and --memory shows costs', async () => {
  const url = await urlOf(dashboard('--read-only', '--memory', '256'));
  expect(await (await fetch(`${url}/queues`)).text()).not.toContain('Pause all workers');
  expect(await (await fetch(`${url}/costs`)).text()).toContain('(256 MB)');
});

test('a Redis that goes away is told on the page, which comes back with it', async () => {
  const own = await startRedis({ appendonly: true });
  try {
    const url = await urlOf(lambdesque(['dashboard', '--uri', own.url]));
    expect((await fetch(`${url}/queues`)).status).toBe(200);
    await own.kill();
    const away = await eventually(async () => {
      const response = await fetch(`${url}/queues`);
      expect(response.status).toBe(503);
      return response.text();
    });
    expect(away).toContain('That did not work');
    expect(away).toContain(`127.0.0.1:${own.port}`);
    await own.start();
    await eventually(async () => expect((await fetch(`${url}/queues`)).status).toBe(200));
  } finally {
    await own.stop();
  }
});

test('start serves it beside the worker, on the same Redis', async () => {
  const command = lambdesque(['start'], { env: { REDIS_URL: redis.url } });
  const url = await urlOf(command);
  await eventually(async () => expect(await (await fetch(`${url}/workers`)).text()).toContain('1 worker.'));
  command.signal('SIGINT');
  expect(await command.ended).toMatchObject({ code: 0 });
  await expect(fetch(url)).rejects.toThrow();
});
