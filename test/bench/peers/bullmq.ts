import { Queue, Worker } from 'bullmq';
import { CLASS, Countdown, type Peer, QUEUE, type Workers, type WorkersDeps } from './peer.ts';

interface Data {
  readonly id: number;
  readonly sentAt: number;
  readonly text?: string;
}

/** BullMQ with its defaults; finished jobs are removed at once, as its documentation advises, and ours are. */
export function bullmq(redis: string): Peer {
  const connection = { url: redis };
  const queue = new Queue<Data>(QUEUE, { connection, defaultJobOptions: { removeOnComplete: true } });
  return {
    add: (id, sentAt) => queue.add(CLASS, { id, sentAt }),
    addBulk(ids, { payload }) {
      const more = payload > 0 ? { text: 'x'.repeat(payload) } : {};
      return queue.addBulk(ids.map((id) => ({ name: CLASS, data: { id, sentAt: 0, ...more } })));
    },
    workers: (setting) => workersOf(redis, setting),
    close: () => queue.close(),
  };
}

async function workersOf(redis: string, { concurrency, perform }: WorkersDeps): Promise<Workers> {
  const done = new Countdown();
  const worker = new Worker<Data>(QUEUE, async ({ data }) => perform(data.id, data.sentAt), {
    connection: { url: redis, maxRetriesPerRequest: null },
    concurrency,
    autorun: false,
  });
  worker.on('completed', done.one);
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();
  const run = () => void worker.run().catch((error: unknown) => console.error(error));
  return {
    async drain(count) {
      run();
      await done.reach(count);
    },
    async serve() {
      run();
      return undefined;
    },
    get settled() {
      return done.count;
    },
    close: () => worker.close(),
  };
}
