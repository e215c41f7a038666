import { expect, test } from 'vitest';
import { createWorker, defineJob, type EndedJob, type JobCallbacks } from '../../../shared/index.ts';
import { withBackends } from '../../helpers/backends.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

const heard: string[] = [];
const telling = (who: string): JobCallbacks => ({
  onSucceeded: ({ class: name, args }: EndedJob, result) =>
    heard.push(`${who}: ${name} ${JSON.stringify(args)} succeeded, ${String(result)}`),
  onRetrying: ({ attempt }, error) => heard.push(`${who}: attempt ${attempt} failed, ${(error as Error).message}`),
  onFailed: async ({ attempt, queue }, error) => {
    // The worker does not end before it has.
    await new Promise((resolve) => setImmediate(resolve));
    heard.push(`${who}: failed in ${queue} after ${attempt}, ${(error as Error).message}`);
  },
});

withBackends((one) => {
  test('callbacks of a definition, and of all classes, hear of each end; what they throw is logged', async () => {
    const Fine = defineJob({ class: 'Fine', ...telling('own'), perform: () => 2n ** 64n });
    const Sad = defineJob({
      class: 'Sad',
      retry: { attempts: 2, backoff: 0 },
      perform() {
        throw new Error('no');
      },
    });
    const Bad = defineJob({
      class: 'Bad',
      onSucceeded() {
        throw new Error('a callback');
      },
      perform: () => {},
    });
    await one.db.sadd(one.keys.queues, 'q');
    // What is tracked, as its id says, has a result.
    const payloads = ['Fine', 'Sad', 'Bad', 'Nobody'].map((name) =>
      JSON.stringify({ class: name, args: [1], ...(name === 'Fine' ? { id: 'f'.repeat(32) } : {}) }),
    );
    await one.db.rpush(one.keys.queue('q'), ...payloads);
    const log = recordingLogger();
    heard.length = 0;
    const url = one.backend === 'TCP' ? { url: one.redis.url } : { url: one.upstash.url, token: one.upstash.token };
    const options = { ...url, jobs: [Fine, Sad, Bad], queues: 'q', exitOnComplete: true, log } as const;
    const run = async () => {
      const worker = createWorker({ ...options, callbacks: telling('all') });
      await worker.run();
    };
    await run();
    expect(heard.sort()).toEqual([
      'all: Bad [1] succeeded, undefined',
      'all: Fine [1] succeeded, 18446744073709551616',
      expect.stringMatching(/^all: attempt 1 failed, no$/),
      expect.stringMatching(/^all: failed in q after 1, No worker for Nobody/),
      'own: Fine [1] succeeded, 18446744073709551616',
    ]);
    const told = log.lines.filter(({ message }) => message.startsWith('A callback failed'));
    expect(told.map(({ fields }) => fields?.['class'])).toEqual(['Bad']);
  });
});
