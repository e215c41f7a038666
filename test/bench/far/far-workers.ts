import { startSlowProxy } from '../../helpers/slow-proxy.ts';
import type { Bed } from '../bed.ts';
import { type Contender, startProcess } from '../contenders.ts';
import { CLASS, QUEUE } from '../peers/peer.ts';
import type { Over } from './selection.ts';

/** Where the workers are, as seen from Redis. */
export interface Place {
  /** ms */
  readonly rtt: number;
  readonly over: Over;
}

const NAMESPACE = 'resque:';
const LIST = `${NAMESPACE}queue:${QUEUE}`;
/** Jobs in one command. */
const CHUNK = 10_000;

/** Starts workers that are far from Redis, each in a process of its own, and ends them after `use`. */
export async function withWorkers<T>(
  bed: Bed,
  { rtt, over }: Place,
  count: number,
  use: (workers: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const near = over === 'tcp' ? bed.redis.url : bed.rest.url;
  const proxy = rtt > 0 ? await startSlowProxy({ target: Number(new URL(near).port), rtt }) : undefined;
  const workers: Contender[] = [];
  try {
    const url = proxy ? `${over === 'tcp' ? 'redis' : 'http'}://127.0.0.1:${proxy.port}` : near;
    const { token } = bed.rest;
    for (let i = 0; i < count; i++) {
      workers.push(
        over === 'tcp'
          ? await startProcess(bed, 'Lambdesque TCP', { setup: { kind: 'tcp', redis: url } })
          : await startProcess(bed, 'Lambdesque REST', { setup: { kind: 'rest', url, token } }),
      );
    }
    return await use(workers);
  } finally {
    await Promise.all(workers.map((one) => one.kill()));
    await proxy?.stop();
    await bed.redis.client.flushall();
  }
}

/** Queues jobs in an empty Redis, from beside it. */
export async function fill({ redis: { client } }: Bed, jobs: number): Promise<void> {
  await client.flushall();
  await client.sadd(`${NAMESPACE}queues`, QUEUE);
  for (let from = 0; from < jobs; from += CHUNK) {
    const ids = Array.from({ length: Math.min(CHUNK, jobs - from) }, (_, i) => from + i);
    await client.rpush(LIST, ...ids.map((id) => JSON.stringify({ class: CLASS, args: [id, 0] })));
  }
}

/** Takes what is queued away. @returns how many */
export async function emptyQueue({ redis: { client } }: Bed): Promise<number> {
  const [[, length] = []] = (await client.multi().llen(LIST).del(LIST).exec()) ?? [];
  return Number(length);
}

/** @throws unless each job has run, or waits in its queue again */
export async function checkAllThere({ redis: { client } }: Bed, jobs: number, ran: number): Promise<void> {
  const queued = await client.llen(LIST);
  if (ran + queued === jobs) return;
  const keys = await client.keys(`${NAMESPACE}inflight:*`);
  const held = await Promise.all(keys.map(async (key) => (await client.hkeys(key)).filter(isJob).length));
  const inFlight = held.reduce((sum, count) => sum + count, 0);
  throw new Error(
    `Of ${jobs} jobs, ${ran} ran, ${queued} are queued, and ${inFlight} are in flight although their worker has ended.`,
  );
}

/** A field of the jobs in flight is `<number>:<queue>`; others tell of the worker. */
const isJob = (field: string) => /^!?\d+:/.test(field);
