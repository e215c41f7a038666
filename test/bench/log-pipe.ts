/** How fast `lambdesque work` drains with a line of JSON for each run on a pipe, that somebody reads. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';

const CLI = fileURLToPath(new URL('../../infra/local/cli.ts', import.meta.url));
const JOBS = fileURLToPath(new URL('./peak-jobs.ts', import.meta.url));
const CHUNK = 5_000;
const NEWLINE = 10;

/** @returns jobs per second, from the first line of a run to the last @throws unless each job has a line */
export async function logToPipe({ redis }: Bed, jobs: number, concurrency: number): Promise<number> {
  await redis.client.flushall();
  await redis.client.sadd('resque:queues', 'bench');
  for (let from = 0; from < jobs; from += CHUNK) {
    const chunk = Array.from(
      { length: Math.min(CHUNK, jobs - from) },
      (_, i) => `{"class":"Bench","args":[${from + i}]}`,
    );
    await redis.client.rpush('resque:queue:bench', ...chunk);
  }
  const flags = ['--queues', 'bench', '--exit-on-complete', '--jobs', JOBS, '--uri', redis.url];
  const child = spawn(process.execPath, [CLI, 'work', ...flags, '--concurrency', `${concurrency}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  let lines = 0;
  let began = 0;
  let ended = 0;
  child.stdout.on('data', (bytes: Buffer) => {
    ended = performance.now();
    chunks.push(bytes);
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) {
      // The first one says that it works.
      if (++lines === 2) began = ended;
    }
  });
  const [code] = await once(child, 'close');
  const written = Buffer.concat(chunks).toString().trimEnd().split('\n');
  const others = written.filter((line) => !line.includes('"outcome":"succeeded"'));
  // Besides, one when it starts and one when it ends; a slow machine may have it say more of itself.
  if (code !== 0 || written.length - others.length !== jobs || others.length < 2) {
    throw new Error(`It ended with ${code}, and wrote ${written.length} lines for ${jobs} jobs; ${others.join('\n')}`);
  }
  return (jobs / (ended - began)) * 1_000;
}
