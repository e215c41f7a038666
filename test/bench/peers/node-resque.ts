import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { MultiWorker, Queue, Worker } from 'node-resque';
import { CLASS, Countdown, type Peer, QUEUE, type Workers, type WorkersDeps } from './peer.ts';

/** Where jobs wait until all workers have started: they begin by themselves. */
const [LIST, STAGED] = [`resque:queue:${QUEUE}`, 'staged'];
/** MultiWorker starts one worker in so many ms; it has 500 by default. */
const START = 5;

/** node-resque: a Worker for one job at a time, else a MultiWorker with as many workers as jobs may run at once. */
export function nodeResque(url: string): Peer {
  const { hostname: host, port } = new URL(url);
  const connection = { pkg: 'ioredis', host, port: Number(port), database: 0 };
  const db = new Redis(url, { lazyConnect: true });
  const queue = new Queue({ connection: { ...connection } });
  const ready = queue.connect();
  queue.on('error', (error) => console.error(error));

  async function start({ concurrency, perform, poll }: WorkersDeps): Promise<Workers> {
    const done = new Countdown();
    const jobs = { [CLASS]: { perform: async (id: number, sentAt: number) => perform(id, sentAt) } };
    const staged = (await db.exists(LIST)) === 1;
    if (staged) await db.rename(LIST, STAGED);
    const options = {
      connection: { ...connection },
      queues: [QUEUE],
      ...(poll === undefined ? {} : { timeout: poll }),
    };
    const close = concurrency === 1 ? await startOne() : await startMany();

    async function startOne() {
      const worker = new Worker(options, jobs);
      worker.on('success', done.one);
      worker.on('error', (error) => console.error(error));
      await worker.connect();
      await worker.start();
      return () => worker.end();
    }
    async function startMany() {
      const processors = { minTaskProcessors: concurrency, maxTaskProcessors: concurrency };
      // It would end workers where the event loop has much to do, which is what is wanted here.
      const many = new MultiWorker({ ...options, ...processors, checkTimeout: START, maxEventLoopDelay: 1e9 }, jobs);
      many.on('success', done.one);
      many.on('error', (error) => console.error(error));
      many.start();
      while (many.workers.length < concurrency || many.workers.some((one) => !one.started)) await delay(START);
      return () => many.end();
    }
    return {
      async drain(count) {
        if (staged) await db.rename(STAGED, LIST);
        await done.reach(count);
      },
      async serve() {
        return undefined;
      },
      get settled() {
        return done.count;
      },
      close,
    };
  }

  return {
    add: async (id, sentAt) => {
      await ready;
      await queue.enqueue(QUEUE, CLASS, [id, sentAt]);
    },
    async addBulk(ids, { payload }) {
      await ready;
      const text = payload > 0 ? ['x'.repeat(payload)] : [];
      await Promise.all(ids.map((id) => queue.enqueue(QUEUE, CLASS, [id, 0, ...text])));
    },
    workers: start,
    async close() {
      await queue.end();
      db.disconnect();
    },
  };
}
