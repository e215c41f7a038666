/**
 * One process that drains shards: `node drain.ts <setting as JSON>`, through IPC. It says that it is ready when all its shards have
 * answered, begins when it is told to, and answers when they are empty.
 */
import { createShardedClient, createShardedWorker, defineJob } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';
import { CLASS, QUEUE } from '../peers/peer.ts';

export interface DrainSetting {
  readonly urls: readonly string[];
  /** Of each shard. */
  readonly concurrency: number;
  /** What each handler waits for, ms; 0: it does nothing. */
  readonly ms: number;
}

export interface Drained {
  readonly succeeded: number;
  /** Of the processor, µs. */
  readonly micros: number;
}

const { urls, concurrency, ms } = JSON.parse(process.argv[2] ?? '') as DrainSetting;
const shards = Object.fromEntries(urls.map((url, i) => [`shard-${i}`, { url }]));
const wait = () => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const job = defineJob({ class: CLASS, perform: ms === 0 ? () => {} : wait });
const client = createShardedClient({ shards });
await Promise.all(client.shards.map((name) => client.shard(name).queues.list()));
await client.close();
const worker = createShardedWorker({
  shards,
  jobs: [job],
  queues: QUEUE,
  concurrency: concurrency * urls.length,
  exitOnComplete: true,
  logRuns: false,
  log: silentLogger,
});
process.once('message', async () => {
  const before = process.cpuUsage();
  const { succeeded } = await worker.run();
  const { user, system } = process.cpuUsage(before);
  process.send?.({ succeeded, micros: user + system } satisfies Drained);
  process.disconnect();
});
process.send?.('ready');
