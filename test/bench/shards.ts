/** Whether several databases do as much together as each of them alone. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { type SlowProxy, startSlowProxy } from '../helpers/slow-proxy.ts';
import { CLASS, QUEUE } from './peers/peer.ts';
import { atLeast, type Bench, type Row } from './report.ts';
import { range, rounds } from './rounds.ts';
import type { Drained, DrainSetting } from './shards/drain.ts';

const SHARDS = { quick: 2, full: 3 };
const CONCURRENCY = 25;
const RTT = 20;
const RUNS = 3;
/** In one command. */
const CHUNK = 10_000;
const PROGRAM = fileURLToPath(new URL('./shards/drain.ts', import.meta.url));

interface Kind {
  readonly what: string;
  /** What a handler waits for. */
  readonly ms: number;
  readonly rtt: number;
  /** In each shard. */
  readonly jobs: number;
}

const KINDS: readonly Kind[] = [
  { what: 'near, jobs that do nothing', ms: 0, rtt: 0, jobs: 60_000 },
  { what: `${RTT} ms away, jobs that wait 10 ms`, ms: 10, rtt: RTT, jobs: 8_000 },
];
/** Of the last kind alone. */
const QUICK_JOBS = 50;

export const bench: Bench = async ({ quick }) => {
  const count = SHARDS[quick ? 'quick' : 'full'];
  const servers = await Promise.all(Array.from({ length: count }, () => startRedis()));
  const proxies: SlowProxy[] = [];
  try {
    const rows: Row[] = [];
    const shares = new Map<string, number>();
    for (const kind of quick ? KINDS.slice(-1) : KINDS) {
      const jobs = quick ? QUICK_JOBS : kind.jobs;
      const urls = await Promise.all(servers.map((server) => urlOf(server, kind.rtt, proxies)));
      /** Of the workers' processes, µs a job; of Redis's, as they were last. */
      const cpu = new Map<string, { own: number; redis: number }>();
      const together = async (workers: string, groups: readonly (readonly string[])[]) => {
        const { rate, ...micros } = await drain(servers, groups, urls, jobs, kind.ms);
        cpu.set(workers, micros);
        return rate;
      };
      const cases = [
        ...urls.map((url, i) => ({ workers: `shard ${i + 1} alone`, groups: [[url]] })),
        { workers: 'all, a process for each', groups: urls.map((url) => [url]) },
        { workers: 'all, one process', groups: [urls] },
      ].map((one) => ({ ...one, run: () => together(one.workers, one.groups) }));
      const results = await rounds(cases, { quick, runs: quick ? 1 : RUNS });
      const sum = results.slice(0, count).reduce((all, { median }) => all + median, 0);
      for (const { workers, ...figures } of results) {
        const share = (100 * figures.median) / sum;
        shares.set(`${kind.what}: ${workers}`, share);
        rows.push({
          what: kind.what,
          workers,
          'jobs/s': Math.round(figures.median),
          'min – max': range(figures),
          '% of the sum': Math.round(share),
          'CPU µs a job': cpu.get(workers)?.own ?? 0,
          'of Redis': cpu.get(workers)?.redis ?? 0,
          // A thread has 10⁶ µs in a second, and each worker has one.
          'most in one thread': Math.round(1e6 / (cpu.get(workers)?.own ?? Infinity)),
        });
      }
    }
    const share = (kind: Kind | undefined, workers: string) => shares.get(`${kind?.what}: ${workers}`) ?? 0;
    const [near, far] = KINDS;
    const cores = () =>
      'each server and each worker wants a core: what the machine has is shared by twice as many processes as shards';
    return {
      title: 'Shards',
      notes: [
        `${count} servers on this machine, a queue of each with the same number of jobs, ${CONCURRENCY} places for each`,
        'from the start of connected workers until the last shard is empty; medians; the sum is that of the shards alone',
      ],
      rows,
      bars: [
        atLeast(`${far?.what}: all, of the sum, a process for each`, 80, share(far, 'all, a process for each'), {
          unit: ' %',
        }),
        atLeast(`${far?.what}: all, of the sum, one process`, 80, share(far, 'all, one process'), { unit: ' %' }),
        atLeast(`${near?.what}: all, of the sum, one process`, 80, share(near, 'all, one process'), {
          unit: ' %',
          reason: () =>
            'one process has one thread for JavaScript: see how many jobs a second its CPU time a job allows; it takes a process for each shard',
        }),
        atLeast(`${near?.what}: all, of the sum, a process for each`, 80, share(near, 'all, a process for each'), {
          unit: ' %',
          reason: cores,
        }),
      ],
    };
  } finally {
    await Promise.all(proxies.map((one) => one.stop()));
    await Promise.all(servers.map((one) => one.stop()));
  }
};

async function urlOf({ port, url }: TestRedis, rtt: number, proxies: SlowProxy[]): Promise<string> {
  if (rtt === 0) return url;
  const proxy = await startSlowProxy({ target: port, rtt });
  proxies.push(proxy);
  return `redis://127.0.0.1:${proxy.port}`;
}

/** @param groups the shards of each process  @param all those that there are, in the servers' order  @returns jobs a second; CPU µs a job, of the workers' processes and of Redis's */
async function drain(
  servers: readonly TestRedis[],
  groups: readonly (readonly string[])[],
  all: readonly string[],
  jobs: number,
  ms: number,
): Promise<{ rate: number; own: number; redis: number }> {
  const used = servers.filter((_, i) => groups.some((group) => group.includes(all[i] ?? '')));
  await Promise.all(used.map((server) => fill(server, jobs)));
  const processes = await Promise.all(groups.map((urls) => start({ urls, concurrency: CONCURRENCY, ms })));
  const before = await redisSeconds(used);
  const began = performance.now();
  const done = await Promise.all(processes.map((go) => go()));
  const took = performance.now() - began;
  const redis = (await redisSeconds(used)) - before;
  const ran = done.reduce((sum, { succeeded }) => sum + succeeded, 0);
  const micros = done.reduce((sum, one) => sum + one.micros, 0);
  if (ran !== jobs * used.length) throw new Error(`${ran} of ${jobs * used.length} jobs ran.`);
  return { rate: (ran / took) * 1_000, own: micros / ran, redis: (redis * 1e6) / ran };
}

/** Of the processor, of all these servers. */
async function redisSeconds(servers: readonly TestRedis[]): Promise<number> {
  const seconds = (info: string, kind: string) => Number(new RegExp(`used_cpu_${kind}:([\\d.]+)`).exec(info)?.[1]);
  const infos = await Promise.all(servers.map(({ client }) => client.info('cpu')));
  return infos.reduce((sum, info) => sum + seconds(info, 'sys') + seconds(info, 'user'), 0);
}

/** @returns what begins, and resolves to what was done */
async function start(setting: DrainSetting): Promise<() => Promise<Drained>> {
  const child = fork(PROGRAM, [JSON.stringify(setting)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await once(child, 'message');
  return async () => {
    const exited = once(child, 'exit');
    const answer = Promise.race([
      once(child, 'message').then(([message]) => message as Drained),
      exited.then(([code]) => Promise.reject(new Error(`A worker ended with ${code} before it was done.`))),
    ]);
    child.send('go');
    const drained = await answer;
    await exited;
    return drained;
  };
}

async function fill({ client }: TestRedis, jobs: number): Promise<void> {
  await client.flushall();
  await client.sadd('resque:queues', QUEUE);
  for (let from = 0; from < jobs; from += CHUNK) {
    const ids = Array.from({ length: Math.min(CHUNK, jobs - from) }, (_, i) => from + i);
    await client.rpush(`resque:queue:${QUEUE}`, ...ids.map((id) => JSON.stringify({ class: CLASS, args: [id, 0] })));
  }
}
