/** A worker that waits for jobs, and looks for none by itself within a test: what starts there, it was told of. */
import type { Redis } from 'ioredis';
import { expect, onTestFinished } from 'vitest';
import { type CreateWorkerOptions, createWorker, defineJob } from '../../shared/index.ts';
import { eventually } from './eventually.ts';
import { recordingLogger } from './recording-logger.ts';

const NEVER = '1d';

/** @returns ids of jobs in the order in which they have run, and the lines of the log */
export async function waitingWorker(options: Partial<CreateWorkerOptions>) {
  const ran: unknown[] = [];
  const log = recordingLogger();
  const job = defineJob({ class: 'A', perform: ([id]) => void ran.push(id) });
  const worker = createWorker({ jobs: [job], queues: 'q', interval: NEVER, log, ...options });
  const idle = new Promise((resolve) => worker.once('idle', resolve));
  const done = worker.run();
  onTestFinished(async () => {
    worker.stop();
    await done;
  });
  await idle;
  return { ran, log, worker };
}

export const payloadOf = (id: number | string) => JSON.stringify({ class: 'A', args: [id] });

export const pushTo = (redis: Redis, id: number | string, queue = 'q', namespace = 'resque:') =>
  redis.rpush(`${namespace}queue:${queue}`, payloadOf(id));

export const hasRun = (ran: readonly unknown[], ...ids: readonly unknown[]) =>
  eventually(() => expect(ran).toEqual(ids));

/** So many workers are told of changes. */
export const watchedIn = (redis: Redis, count = 1) =>
  eventually(async () => {
    const clients = String(await redis.client('LIST')).split('\n');
    expect(clients.filter((line) => / flags=\w*t/.test(line))).toHaveLength(count);
  });
