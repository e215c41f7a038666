import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { LocalRedisError } from '../../infra/local/redis/install.ts';
import { type LocalRedis, localRedis } from '../../infra/local/redis/local-redis.ts';
import { startServer } from '../../infra/local/redis/server.ts';

// PATH alone: a REDIS_URL of the machine that tests must not keep us from starting a server.
const env = { PATH: process.env['PATH'] };
const LONG = { timeout: 10_000, interval: 10 };

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** What the Redis on this port replies to one command. */
async function ask(port: number, command: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.setEncoding('utf8').end(`${command}\r\n`);
  let reply = '';
  for await (const chunk of socket) reply += chunk;
  return reply;
}

async function folderOf(port: number): Promise<string> {
  return (await ask(port, 'CONFIG GET dir')).split('\r\n')[4] ?? '';
}

async function expectGone(port: number, folder: string): Promise<void> {
  await expect(ask(port, 'PING')).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
  expect(existsSync(folder)).toBe(false);
}

function portOf(redis: Pick<LocalRedis, 'url'>): number {
  return Number(new URL(redis.url).port);
}

/** A program that stands where a server should. */
async function impostor(script: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'local-redis-test-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  const path = join(folder, 'redis-server');
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('a started server', () => {
  test('answers on a free port of 127.0.0.1, in memory only, and leaves nothing when stopped', async () => {
    const said: string[] = [];
    const redis = await localRedis({ env, say: (line) => said.push(line) });
    cleanups.push(redis.stop);
    const port = portOf(redis);
    const folder = await folderOf(port);

    expect(redis).toMatchObject({ url: `redis://127.0.0.1:${port}`, started: true });
    expect(redis.description).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} .*(redis|valkey)-server`));
    expect(port).not.toBe(6379);
    expect(await ask(port, 'PING')).toBe('+PONG\r\n');
    expect(await ask(port, 'CONFIG GET bind')).toContain('\r\n127.0.0.1\r\n');
    expect(await ask(port, 'CONFIG GET save')).toMatch(/\$0\r\n\r\n$/);
    expect(await ask(port, 'CONFIG GET appendonly')).toContain('\r\nno\r\n');
    expect(folder.startsWith(join(tmpdir(), 'lambdesque-redis-'))).toBe(true);

    await redis.stop();
    await expectGone(port, folder);
    await redis.stop();
  });

  test('two of them are two servers', async () => {
    const [one, other] = await Promise.all([localRedis({ env, say: () => {} }), localRedis({ env, say: () => {} })]);
    cleanups.push(one.stop, other.stop);
    await ask(portOf(one), 'SET key value');
    expect(await ask(portOf(other), 'EXISTS key')).toBe(':0\r\n');
  });

  test('a server that died by itself can still be stopped', async () => {
    const redis = await localRedis({ env, say: () => {} });
    const port = portOf(redis);
    const folder = await folderOf(port);
    await ask(port, 'SHUTDOWN NOSAVE');
    await redis.stop();
    await expectGone(port, folder);
  });

  test('a port that another process took meanwhile is passed over, also when a Redis answers on it', async () => {
    const first = await localRedis({ env, say: () => {} });
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: silentPort } = silent.address() as AddressInfo;
    const { port: freePort } = free.address() as AddressInfo;
    free.close();
    cleanups.push(first.stop, () => void silent.close());

    const ports = [portOf(first), silentPort, freePort];
    const server = await startServer('redis-server', env, { nextPort: async () => ports.shift() ?? freePort });
    cleanups.push(server.stop);
    expect(server.port).toBe(freePort);
  });
});

describe('a server that does not come up', () => {
  test('its output and exit code are in the error, and its folder is removed', async () => {
    const program = await impostor('echo "Bad directive: $*"; exit 7');
    const error = await startServer(program, env).catch((cause: unknown) => cause);
    if (!(error instanceof LocalRedisError)) throw error;
    expect(error.message).toContain(`${program} did not start: it ended with 7`);
    const folder = /Bad directive: .* --dir (\S+) /.exec(error.message)?.[1] ?? 'no folder in the message';
    expect(folder).toContain('lambdesque-redis-');
    expect(existsSync(folder)).toBe(false);
  });

  test('one that answers nothing is ended when its time is up', async () => {
    const program = await impostor('echo "$$" > "$0.pid"; exec sleep 1000');
    const time = new AbortController();
    const failed = startServer(program, env, { giveUp: time.signal }).catch((cause: unknown) => cause);
    const pid = await vi.waitFor(async () => {
      const text = await readFile(`${program}.pid`, 'utf8');
      expect(text).toMatch(/\n$/);
      return Number(text);
    }, LONG);
    time.abort();
    expect(await failed).toMatchObject({ message: expect.stringContaining('did not answer on port') });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  test('a program that is not there is named', async () => {
    await expect(startServer('/nowhere/redis-server', env)).rejects.toThrow(/\/nowhere\/redis-server did not start/);
  });
});

describe('when our process ends', () => {
  const MODULE = JSON.stringify(new URL('../../infra/local/redis/local-redis.ts', import.meta.url).href);
  const START = `
    const { localRedis } = await import(${MODULE});
    const redis = await localRedis({ env: { PATH: process.env.PATH }, say: () => {} });
    console.log(redis.url);`;
  const WAIT_FOR_STDIN_TO_END = `
    await new Promise((resolve) => process.stdin.once('end', resolve).resume());`;

  /** A process that starts a server and goes on with `script`; here once the server's URL came out. */
  async function parent(script: string) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', START + script], {
      // A group of its own, as a shell gives the command in the foreground, so that a test can play Ctrl-C.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env,
    });
    cleanups.push(() => void child.kill('SIGKILL'));
    const ended = once(child, 'exit');
    let output = '';
    const collect = (chunk: string): void => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    await vi.waitFor(() => expect(output).toMatch(/^redis:.*\n/), LONG);
    const port = Number(new URL(output.split('\n')[0] ?? '').port);
    return { child, port, folder: await folderOf(port), ended, output: () => output };
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGKILL'] as const)('by %s, so does the server', async (signal) => {
    const { child, port, folder, ended } = await parent(WAIT_FOR_STDIN_TO_END);
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
    await vi.waitFor(() => expectGone(port, folder), LONG);
  });

  test.each([
    ['process.exit', 'process.exit(3);', 3],
    ['an uncaught error', 'throw new Error("the end");', 1],
    ['having nothing left to do', '', 0],
    ['having nothing left to do but stop it', 'await redis.stop();', 0],
  ])('by %s, so does the server', async (_, ending, code) => {
    const { child, port, folder, ended } = await parent(WAIT_FOR_STDIN_TO_END + ending);
    child.stdin.end();
    expect(await ended).toEqual([code, null]);
    await vi.waitFor(() => expectGone(port, folder), LONG);
  });

  test('by Ctrl-C, the server stays until our handler has stopped it', async () => {
    const settleThenStop = `
    const { connect } = await import('node:net');
    process.stdin.resume();
    process.once('SIGINT', () => {
      const socket = connect(Number(new URL(redis.url).port), '127.0.0.1', () => socket.end('PING\\r\\n'));
      socket.on('data', (reply) => console.log('after Ctrl-C: ' + reply));
      socket.on('close', () => redis.stop().then(() => process.exit(0)));
    });
    console.log('handler set');`;
    const { child, port, folder, ended, output } = await parent(settleThenStop);
    await vi.waitFor(() => expect(output()).toContain('handler set'), LONG);
    if (child.pid === undefined) throw new Error('the parent process has no id');
    // A server in our group could still answer before it heeds the signal, so its own group is checked for as well.
    const server = Number(/process_id:(\d+)/.exec(await ask(port, 'INFO server'))?.[1]);
    expect(process.kill(-server, 0)).toBe(true);
    process.kill(-child.pid, 'SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(output()).toContain('after Ctrl-C: +PONG');
    await expectGone(port, folder);
  });
});
