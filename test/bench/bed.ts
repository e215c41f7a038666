import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import type { Contender } from './contenders.ts';

/** What all benchmarks of a run use: one Redis, and the REST API before it. */
export interface Bed {
  readonly redis: TestRedis;
  readonly rest: Rest;
  /** Processes of contenders to be used again; undefined where each benchmark gets new ones. */
  readonly pool: Contender[] | undefined;
  stop(): Promise<void>;
}

export interface Rest {
  readonly url: string;
  readonly token: string;
  stop(): Promise<void>;
}

/** @param quick use processes again */
export async function startBed({ quick }: { readonly quick: boolean }): Promise<Bed> {
  const redis = await startRedis();
  const rest = await startRest(redis.url);
  const pool: Contender[] | undefined = quick ? [] : undefined;
  return {
    redis,
    rest,
    pool,
    async stop() {
      await Promise.all((pool ?? []).map((one) => one.kill()));
      // This one last: a test's Redis alone does not keep the process from ending while it is waited for.
      await redis.stop();
      await rest.stop();
    },
  };
}

/** Upstash's REST API before the Redis, in a process of its own so that it takes no time from what is measured. */
async function startRest(redisUrl: string): Promise<Rest> {
  const program = fileURLToPath(new URL('../helpers/upstash-server.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program, redisUrl], {
    // It ends with this process, however that ends: the channel closes.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string];
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  return {
    url,
    token,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
