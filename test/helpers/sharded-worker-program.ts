/**
 * A program with a worker of several shards in it: `node test/helpers/sharded-worker-program.ts <folder of a JobLog> <url>…`. It heeds
 * signals. Jobs say when they start.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { createShardedWorker, defineJob } from '../../shared/index.ts';
import { JobLog } from './job-log.ts';

const [folder, ...urls] = process.argv.slice(2);
const log = new JobLog(folder);
const Nap = defineJob({
  class: 'Nap',
  async perform([name], { job }) {
    log.started({ name: String(name), attempt: job.attempt, pid: process.pid });
    await delay(2);
  },
});
const worker = createShardedWorker({
  shards: Object.fromEntries(urls.map((url, i) => [`s${i}`, { url }])),
  jobs: [Nap],
  queues: 'q',
  lease: '1s',
  interval: '100ms',
  scheduler: true,
  handleSignals: true,
  logRuns: false,
});
await worker.run();
