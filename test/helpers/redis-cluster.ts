/** A real Redis Cluster of its own for one test file: three primaries, each with a replica, made by `redis-cli --cluster create`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { checkInSync, startRedis, type TestRedis } from './redis-server.ts';

const run = promisify(execFile);

export interface TestCluster {
  readonly nodes: readonly TestRedis[];
  /** `redis://a,b,…?cluster` with these nodes, or all. */
  url(nodes?: readonly TestRedis[]): string;
  /** The primary that has this key's slot, as all nodes that run say: after a failover they hear of it one by one. */
  primaryOf(key: string): Promise<TestRedis>;
  /** Resolves when every node that runs says that all slots are served. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

const PRIMARIES = 3;
/** Silence until a node counts as dead, ms: longer than a busy machine keeps a living one from answering. */
const NODE_TIMEOUT = 2_000;

export async function startCluster(): Promise<TestCluster> {
  const args = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    `${NODE_TIMEOUT}`,
    '--cluster-config-file',
    'nodes.conf',
  ];
  const nodes = await Promise.all(Array.from({ length: 2 * PRIMARIES }, () => startRedis({ args })));
  const addresses = nodes.map((node) => `127.0.0.1:${node.port}`);
  try {
    await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes']);
  } catch (error) {
    await Promise.all(nodes.map((node) => node.stop()));
    throw error;
  }
  const running = async () => {
    const answers = await Promise.all(
      nodes.map((node) =>
        node.client.ping().then(
          () => node,
          () => undefined,
        ),
      ),
    );
    return answers.filter((node) => node !== undefined);
  };
  const cluster: TestCluster = {
    nodes,
    url: (some = nodes) => `redis://${some.map((node) => `127.0.0.1:${node.port}`).join(',')}?cluster`,
    primaryOf: (key) =>
      eventually(async () => {
        const ports = new Set(await Promise.all((await running()).map((node) => primaryFor(key, node))));
        const found = nodes.find((one) => ports.size === 1 && ports.has(one.port));
        if (!found) throw new Error(`For the slot of ${key}, the nodes name ${[...ports].join(' and ')}.`);
        return found;
      }),
    async settled() {
      await eventually(async () => {
        for (const node of await running()) {
          const info = await node.client.cluster('INFO');
          if (!/cluster_state:ok/.test(String(info))) throw new Error(`Port ${node.port}: ${String(info)}`);
        }
      });
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
  await cluster.settled();
  // A replica that has never been in sync takes no place.
  await eventually(() => checkInSync(nodes));
  return cluster;
}

/** @returns the port of the primary that has this key's slot, as this node knows it */
async function primaryFor(key: string, { client }: TestRedis): Promise<number | undefined> {
  const slot = Number(await client.cluster('KEYSLOT', key));
  const ranges = await client.cluster('SLOTS');
  const [, , primary] = ranges.find(([first, last]) => slot >= first && slot <= last) ?? [];
  return primary?.[1];
}
