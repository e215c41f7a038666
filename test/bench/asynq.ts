/** asynq, a contender in Go: left out, with a word, where Go or the module is not to be had. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bed } from './bed.ts';

const run = promisify(execFile);
const SOURCE = fileURLToPath(new URL('./peers/asynq', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../dist/bench-asynq', import.meta.url));
/** Of one run, and of the build, with its downloads; ms. */
const PATIENCE = 180_000;

export interface Asynq {
  /** @returns jobs per second, of jobs that were queued before */
  drain(jobs: number, concurrency: number): Promise<number>;
  /** @returns ms from each enqueue to its start */
  latency(jobs: number, rate: number): Promise<number[]>;
}

/** @returns why it is left out, where it is */
export async function openAsynq({ redis }: Bed): Promise<Asynq | string> {
  try {
    await run('go', ['build', '-o', PROGRAM, '.'], { cwd: SOURCE, timeout: PATIENCE });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    const why = code === 'ENOENT' ? 'Go is not installed' : (stderr?.trim().split('\n').at(-1) ?? String(error));
    return `asynq is left out: ${why}`;
  }
  const ask = async (...args: readonly (string | number)[]) => {
    await redis.client.flushall();
    const options = { timeout: PATIENCE, maxBuffer: 100_000_000 };
    const { stdout } = await run(PROGRAM, args.map(String), options);
    return JSON.parse(stdout) as { ms: number; late?: number[] };
  };
  const address = `127.0.0.1:${redis.port}`;
  return {
    drain: async (jobs, concurrency) => (jobs / (await ask('drain', address, jobs, concurrency)).ms) * 1_000,
    latency: async (jobs, rate) => (await ask('latency', address, jobs, rate)).late ?? [],
  };
}
