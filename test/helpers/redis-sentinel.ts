/** A primary, a replica and three Sentinels that watch them, for one test file. */
import { eventually } from './eventually.ts';
import { checkInSync, startRedis, type TestRedis } from './redis-server.ts';

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
/** Silence until the primary counts as dead, ms: longer than a busy machine keeps a living one from answering. */
const DOWN_AFTER = 2_000;
/** How long the replica may take to become the primary, ms. Sentinels look once a second: in one they often see nothing. */
const FAILOVER_TIMEOUT = 5_000;

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
  const sentinels = await Promise.all(
    Array.from({ length: SENTINELS }, () =>
      startRedis({
        sentinel: [
          `sentinel monitor ${name} 127.0.0.1 ${first.port} 2`,
          `sentinel down-after-milliseconds ${name} ${DOWN_AFTER}`,
          `sentinel failover-timeout ${name} ${FAILOVER_TIMEOUT}`,
          ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
        ],
        ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }),
      }),
    ),
  );

  const ask = (sentinel: TestRedis, ...args: [string, ...string[]]) => sentinel.client.call('SENTINEL', ...args);
  const said = (sentinel: TestRedis) => ask(sentinel, 'GET-MASTER-ADDR-BY-NAME', name) as Promise<[string, string]>;
  // All have to know the replica and each other, or none can begin a failover; and it has to have what the primary has.
  await eventually(async () => {
    for (const sentinel of sentinels) {
      const [fields] = (await ask(sentinel, 'MASTERS')) as string[][];
      const value = (field: string) => fields?.[(fields.indexOf(field) ?? -1) + 1];
      const seen = `${value('num-slaves')} replicas, ${value('num-other-sentinels')} others`;
      if (seen !== '1 replicas, 2 others') throw new Error(`The Sentinel on port ${sentinel.port} sees ${seen}.`);
    }
    await checkInSync(servers);
  });

  return {
    ports: sentinels.map(({ port }) => port),
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
      await eventually(() => sentinels[0] && ask(sentinels[0], 'FAILOVER', name));
    },
    async stop() {
      await Promise.all([...sentinels, ...servers].map((server) => server.stop()));
    },
  };
}
