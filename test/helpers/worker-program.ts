/**
 * A program of a user's with a worker in it: `node test/helpers/worker-program.ts redis://…`. It heeds signals, and has a
 * watchdog. Its jobs say when they run.
 */

import { createWorker, defineJob } from '../../shared/index.ts';

const Wait = defineJob({
  class: 'Wait',
  perform: (_args, { signal }) => {
    console.log('{"msg":"waits"}');
    return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  },
});
const Loop = defineJob({
  class: 'Loop',
  perform() {
    for (;;);
  },
});

const worker = createWorker({
  url: process.argv[2],
  jobs: [Wait, Loop],
  queues: 'work',
  lease: '1s',
  shutdownTimeout: 0,
  handleSignals: true,
  watchdog: true,
});
const summary = await worker.run();
console.log(JSON.stringify({ msg: 'ended', ...summary }));
