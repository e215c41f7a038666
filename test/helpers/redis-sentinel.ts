/** A primary, a replica and three Sentinels that watch them, for one test file. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { freePort, spawnServer, startRedis, type TestRedis } from './redis-server.ts';

export interface TestSentinels {
  /** Of the Sentinels. */
  readonly ports: readonly number[];
  readonly servers: readonly TestRedis[];
  /** What the Sentinels call the primary. */
  readonly name: string;
  /** The server that all Sentinels take for the primary. */
  primary(): Promise<TestRedis>;
  /** Lets the replica take over. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestSentinelsOptions {
  /** Of the Sentinels themselves. @default none */
  readonly sentinelPassword?: string;
  /** Of Redis. @default none */
  readonly password?: string;
}

const SENTINELS = 3;
/** Silence until the primary counts as dead, ms. */
const DOWN_AFTER = 500;

export async function startSentinels({
  sentinelPassword,
  password,
}: TestSentinelsOptions = {}): Promise<TestSentinels> {
  const name = 'mymaster';
  const login = password === undefined ? [] : ['--masterauth', password];
  const given = password === undefined ? {} : { password };
  const first = await startRedis({ ...given, args: login });
  const second = await startRedis({ ...given, args: [...login, '--replicaof', '127.0.0.1', `${first.port}`] });
  const servers = [first, second];
  const folders: string[] = [];
  const sentinels: Redis[] = [];
  const ports: number[] = [];
  const children: { kill(signal: 'SIGKILL'): unknown }[] = [];

  for (let i = 0; i < SENTINELS; i++) {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'lambdesque-sentinel-'));
    folders.push(folder);
    ports.push(port);
    const config = join(folder, 'sentinel.conf');
    await writeFile(
      config,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${name} 127.0.0.1 ${first.port} 2`,
        `sentinel down-after-milliseconds ${name} ${DOWN_AFTER}`,
        `sentinel failover-timeout ${name} 1000`,
        ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
        ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
      ].join('\n'),
    );
    children.push(await spawnServer([config, '--sentinel'], folder));
    const options = { protocol: 2, retryStrategy: () => 20, enableReadyCheck: false } as const;
    const client = new Redis(port, '127.0.0.1', {
      ...options,
      ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
    });
    client.on('error', () => {});
    sentinels.push(client);
  }

  const said = (sentinel: Redis) =>
    sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name) as Promise<[string, string]>;
  // All have to know the replica and each other, or none can begin a failover.
  await eventually(async () => {
    for (const sentinel of sentinels) {
      const [fields] = (await sentinel.call('SENTINEL', 'MASTERS')) as string[][];
      const value = (field: string) => fields?.[(fields.indexOf(field) ?? -1) + 1];
      const seen = `${value('num-slaves')} replicas, ${value('num-other-sentinels')} others`;
      if (seen !== '1 replicas, 2 others') throw new Error(seen);
    }
  });

  return {
    ports,
    servers,
    name,
    primary: () =>
      eventually(async () => {
        const found = new Set((await Promise.all(sentinels.map(said))).map(([, port]) => port));
        const server = servers.find((one) => found.size === 1 && found.has(`${one.port}`));
        if (!server) throw new Error(`The Sentinels name ${[...found].join(' and ')}`);
        return server;
      }),
    async failOver() {
      await eventually(() => sentinels[0]?.call('SENTINEL', 'FAILOVER', name));
    },
    async stop() {
      for (const sentinel of sentinels) sentinel.disconnect();
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(servers.map((server) => server.stop()));
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })));
    },
  };
}
