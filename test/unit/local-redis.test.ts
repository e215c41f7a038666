import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Env, LocalRedisError, type Machine, type Ran, thisMachine } from '../../infra/local/redis/install.ts';
import { type LocalRedis, localRedis } from '../../infra/local/redis/local-redis.ts';
import { ConfigError } from '../../shared/errors.ts';

const OK: Ran = { exit: 0, output: '' };
const UPDATE = 'env DEBIAN_FRONTEND=noninteractive apt-get update';
const INSTALL = 'env DEBIAN_FRONTEND=noninteractive apt-get install --yes redis-server';

interface Scene {
  readonly env?: Env;
  readonly root?: boolean;
  readonly programs?: readonly string[];
  /** What a command ends with; success when not named. */
  readonly ends?: Readonly<Record<string, Ran>>;
  /** The command that brings this server to the PATH, whatever it ends with. */
  readonly brings?: Readonly<Record<string, string>>;
}

/** Runs `localRedis` on an imagined machine, and tells what it did there. */
async function play(scene: Scene) {
  const programs = new Set(scene.programs);
  const ran: string[] = [];
  const said: string[] = [];
  const started: string[] = [];
  let stops = 0;
  const machine: Machine = {
    root: scene.root ?? false,
    which: (name) => (programs.has(name) ? `/usr/bin/${name}` : undefined),
    run: async (command) => {
      const line = command.join(' ');
      ran.push(line);
      const brought = scene.brings?.[line];
      if (brought !== undefined) programs.add(brought);
      return scene.ends?.[line] ?? OK;
    },
  };
  const result: LocalRedis | Error = await localRedis({
    env: scene.env ?? {},
    say: (line) => said.push(line),
    machine,
    start: async (program) => {
      started.push(program);
      return {
        port: 41_000,
        stop: async () => {
          stops++;
        },
      };
    },
  }).catch((error: Error) => error);
  return { result, ran, said, started, stops: () => stops };
}

/** The error of a run that must have failed without starting anything. */
async function failure(scene: Scene, Kind = LocalRedisError): Promise<string> {
  const { result, started } = await play(scene);
  expect(started).toEqual([]);
  expect(result).toBeInstanceOf(Kind);
  return (result as Error).message;
}

describe('a Redis that the environment names', () => {
  test('REDIS_URL is used as it is, and nothing is looked up, started or stopped', async () => {
    const url = 'rediss://app:s3cret@cache.example:6380/2?family=6';
    const { result, ran, said, started, stops } = await play({ env: { REDIS_URL: url }, programs: ['redis-server'] });
    expect(result).toMatchObject({ url, started: false, description: 'Redis at cache.example:6380, from REDIS_URL' });
    await (result as LocalRedis).stop();
    expect({ ran, said, started, stops: stops() }).toEqual({ ran: [], said: [], started: [], stops: 0 });
  });

  test('REDIS_PROVIDER names the variable, ahead of REDIS_URL', async () => {
    const env = { REDIS_PROVIDER: 'MYREDIS', MYREDIS: 'redis://10.0.0.5', REDIS_URL: 'redis://other' };
    const { result } = await play({ env });
    expect(result).toMatchObject({ url: 'redis://10.0.0.5', description: 'Redis at 10.0.0.5, from MYREDIS' });
  });

  test.each([
    [{ REDIS_PROVIDER: 'MYREDIS', REDIS_URL: 'redis://other' }, 'MYREDIS is not set'],
    [{ REDIS_PROVIDER: 'MYREDIS', MYREDIS: '' }, 'MYREDIS is empty'],
  ])('a REDIS_PROVIDER that leads nowhere is an error: %j', async (env, reason) => {
    const message = await failure({ env, programs: ['redis-server'] }, ConfigError);
    expect(message).toContain(reason);
    expect(message).toContain('unset REDIS_PROVIDER');
  });

  test('a URL in REDIS_PROVIDER is an error that does not repeat it', async () => {
    const message = await failure({ env: { REDIS_PROVIDER: 'redis://:s3cret@cache.example' } }, ConfigError);
    expect(message).toContain('REDIS_PROVIDER is not the name of an environment variable');
    expect(message).not.toContain('s3cret');
  });

  test('empty variables count as unset', async () => {
    const { started } = await play({ env: { REDIS_PROVIDER: '', REDIS_URL: '' }, programs: ['redis-server'] });
    expect(started).toEqual(['/usr/bin/redis-server']);
  });

  test.each([
    ['redis://:s3cret@[::1]:6379/0', 'Redis at [::1]:6379, from REDIS_URL'],
    ['redis://u:s3@cret@host', 'Redis at host, from REDIS_URL'],
    ['redis://host:6379?password=s3cret', 'Redis at host:6379, from REDIS_URL'],
    ['redis://u:12/s3cret@host', 'the Redis that REDIS_URL names'],
    ['redis://u:12?s3cret@host', 'the Redis that REDIS_URL names'],
    ['redis://u:12#s3cret@host', 'the Redis that REDIS_URL names'],
    ['redis://:s3cret', 'the Redis that REDIS_URL names'],
    ['unix://s3cret@/tmp/redis.sock', 'the Redis that REDIS_URL names'],
    ['u:s3cret@host', 'the Redis that REDIS_URL names'],
  ])('the description of %s keeps the password out', async (url, description) => {
    const { result } = await play({ env: { REDIS_URL: url } });
    expect(result).toMatchObject({ url, description });
  });
});

describe('a server of our own', () => {
  test.each([
    [['redis-server', 'valkey-server', 'apt-get'], '/usr/bin/redis-server'],
    [['valkey-server', 'apt-get'], '/usr/bin/valkey-server'],
  ])('one of %j from the PATH is started, nothing installed', async (programs, server) => {
    const { result, ran, said, started, stops } = await play({ programs, root: true });
    expect({ ran, said, started }).toEqual({ ran: [], said: [], started: [server] });
    expect(result).toMatchObject({ url: 'redis://127.0.0.1:41000', started: true });
    expect((result as LocalRedis).description).toContain(server);
    await (result as LocalRedis).stop();
    expect(stops()).toBe(1);
  });
});

describe('installing a server', () => {
  test('apt-get as root updates, installs, says both', async () => {
    const scene = { root: true, programs: ['apt-get', 'brew'], brings: { [INSTALL]: 'redis-server' } };
    const { ran, said, started } = await play(scene);
    expect(ran).toEqual([UPDATE, INSTALL]);
    expect(said).toEqual([
      'No redis-server or valkey-server on the PATH: installing one with apt-get',
      `$ ${UPDATE}`,
      `$ ${INSTALL}`,
    ]);
    expect(started).toEqual(['/usr/bin/redis-server']);
  });

  test('apt-get goes through a sudo that asks nothing', async () => {
    const brings = { [`sudo -n ${INSTALL}`]: 'redis-server' };
    const { ran, started } = await play({ programs: ['apt-get', 'sudo'], brings });
    expect(ran).toEqual(['sudo -n true', `sudo -n ${UPDATE}`, `sudo -n ${INSTALL}`]);
    expect(started).toEqual(['/usr/bin/redis-server']);
  });

  test('a sudo that would ask ends it, with what to install', async () => {
    const scene = {
      programs: ['apt-get', 'sudo'],
      ends: { 'sudo -n true': { exit: 1, output: 'a password is required' } },
    };
    const message = await failure(scene);
    expect(message).toContain('apt-get needs root');
    expect(message).toContain('apt-get install redis-server');
    expect(message).toContain('REDIS_URL');
    expect((await play(scene)).ran).toEqual(['sudo -n true']);
  });

  test('sudo is asked once, and brew stands in for what it refuses', async () => {
    const { ran, started } = await play({
      programs: ['apt-get', 'dnf', 'sudo', 'brew'],
      ends: { 'sudo -n true': { exit: 1, output: '' } },
      brings: { 'brew install valkey': 'valkey-server' },
    });
    expect(ran).toEqual(['sudo -n true', 'brew install valkey']);
    expect(started).toEqual(['/usr/bin/valkey-server']);
  });

  test.each([
    ['apk', true, 'apk add --no-cache'],
    ['dnf', true, 'dnf install --assumeyes'],
    ['brew', false, 'brew install'],
  ])('%s installs valkey, or redis where there is no valkey', async (program, root, install) => {
    const first = await play({ root, programs: [program], brings: { [`${install} valkey`]: 'valkey-server' } });
    expect(first.ran).toEqual([`${install} valkey`]);
    expect(first.started).toEqual(['/usr/bin/valkey-server']);

    const second = await play({
      root,
      programs: [program],
      ends: { [`${install} valkey`]: { exit: 1, output: 'no such package' } },
      brings: { [`${install} redis`]: 'redis-server' },
    });
    expect(second.ran).toEqual([`${install} valkey`, `${install} redis`]);
    expect(second.started).toEqual(['/usr/bin/redis-server']);
  });

  test('a server that is there counts, whatever the commands ended with', async () => {
    const { started } = await play({
      root: true,
      programs: ['apt-get'],
      ends: { [UPDATE]: { exit: 100, output: 'one source is broken' }, [INSTALL]: { exit: 100, output: 'port taken' } },
      brings: { [INSTALL]: 'redis-server' },
    });
    expect(started).toEqual(['/usr/bin/redis-server']);
  });

  test('brew does not run as root', async () => {
    const message = await failure({ root: true, programs: ['brew'] });
    expect(message).toContain('brew does not run as root');
  });

  test('no package manager at all: the error lists what to install', async () => {
    const message = await failure({ programs: ['sudo'] });
    expect(message).toContain('there is no apt-get, apk, dnf or brew');
    for (const remedy of [
      'apt-get install redis-server',
      'apk add valkey',
      'dnf install valkey',
      'brew install valkey',
      'REDIS_URL',
    ]) {
      expect(message).toContain(remedy);
    }
  });

  test('a failed installation: the error has each command and the tail of its output', async () => {
    const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const message = await failure({
      root: true,
      programs: ['apt-get'],
      ends: {
        [UPDATE]: { exit: 'spawn env ENOENT', output: '' },
        [INSTALL]: { exit: 100, output: `${lines.join('\n')}\nE: Unable to locate package redis-server\n` },
      },
    });
    expect(message).toContain(`\`${UPDATE}\` ended with spawn env ENOENT:\n(no output)`);
    expect(message).toContain(`\`${INSTALL}\` ended with 100:\n`);
    expect(message).toMatch(/line 39\nE: Unable to locate package redis-server$/);
    expect(message).not.toContain('line 20');
    expect(message).toContain('REDIS_URL');
  });
});

describe('thisMachine', () => {
  const folder = mkdtempSync(join(tmpdir(), 'local-redis-test-'));
  const machine = thisMachine({ PATH: `:${join(folder, 'missing')}:${folder}`, GREETING: 'hello' });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('which finds programs on the PATH of the given environment only', () => {
    for (const name of ['program', 'text']) writeFileSync(join(folder, name), '');
    chmodSync(join(folder, 'program'), 0o755);
    mkdirSync(join(folder, 'folder'));
    expect(['program', 'text', 'folder', 'sh'].map((name) => machine.which(name))).toEqual([
      join(folder, 'program'),
      undefined,
      undefined,
      undefined,
    ]);
    expect(thisMachine({}).which('sh')).toBeUndefined();
  });

  test('run gives exit and output, has the environment and no input', async () => {
    const script = 'read -r line; echo "$GREETING, $line"; echo trouble >&2; exit 3';
    const { exit, output } = await machine.run(['/bin/sh', '-c', script]);
    expect(exit).toBe(3);
    expect(output.split('\n').sort()).toEqual(['', 'hello, ', 'trouble']);
    expect(await machine.run(['/bin/sh', '-c', 'kill -9 $$'])).toEqual({ exit: 'SIGKILL', output: '' });
    expect((await machine.run([join(folder, 'missing')])).exit).toMatch(/ENOENT/);
  });
});
