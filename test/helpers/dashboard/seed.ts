import { type Client, createClient, createWorker, defineJob, SkipRetry, type Worker } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';
import { eventually } from '../eventually.ts';
import type { TestRedis } from '../redis-server.ts';

/** A name that would do harm in a page that does not escape it. */
export const MARKUP = '"><img src=x onerror=alert(1)>\'&amp;';
export const LARGE = `${'x'.repeat(1_000_000)}end-of-the-payload`;

export interface Seeded {
  readonly client: Client;
  /** Works on the queues `mail`, `reports` and `slow`, and has one job of `slow` that waits to be let go. */
  readonly worker: Worker;
  /** The arguments of the mails that ran. */
  readonly mailed: (readonly unknown[])[];
  /** Imports that ran well since `repaired`. */
  readonly imported: number[];
  /** From now on, imports run well. */
  repair(): void;
  stop(): Promise<void>;
}

/** A Redis with something of everything: what ran, runs, waits, failed, is dead, is wrong, or has a dangerous name. */
export async function seedDashboard({ url, client: db }: TestRedis): Promise<Seeded> {
  const mailed: (readonly unknown[])[] = [];
  const imported: number[] = [];
  let repaired = false;
  const letGo = Promise.withResolvers<void>();
  const jobs = [
    defineJob({ class: 'Mail', queue: 'mail', perform: (args) => void mailed.push(args) }),
    defineJob({
      class: 'Import',
      queue: 'reports',
      perform([row]) {
        if (repaired) imported.push(Number(row));
        else throw new SkipRetry(`row ${row} of customers.csv has no address`);
      },
    }),
    defineJob({
      class: 'Flaky',
      queue: 'reports',
      retry: { attempts: 3, backoff: 3_600 },
      perform() {
        throw new Error('the other side answered 503');
      },
    }),
    defineJob({ class: 'Slow', queue: 'slow', perform: () => letGo.promise }),
    defineJob({
      class: MARKUP,
      queue: 'reports',
      perform() {
        throw new SkipRetry(MARKUP);
      },
    }),
  ];
  const client = createClient({
    url,
    jobs,
    metadata: true,
    cronEntries: { hourly: { cron: '0 * * * *', class: 'Mail' } },
  });
  const worker = createWorker({ url, jobs, queues: ['mail', 'reports', 'slow'], interval: '50ms', log: silentLogger });
  let left = 20 + 12 + 2 + 1;
  const done = Promise.withResolvers<void>();
  for (const outcome of ['succeeded', 'failed', 'retried'] as const) {
    worker.on(outcome, () => {
      if (--left === 0) done.resolve();
    });
  }
  for (let i = 0; i < 20; i++) await client.enqueue('Mail', [`user${i}@example.com`, 12_345_678_901_234_567_890n]);
  for (let i = 0; i < 12; i++) await client.enqueue('Import', [i]);
  for (let i = 0; i < 2; i++) await client.enqueue('Flaky', [i]);
  await client.enqueue(MARKUP, [MARKUP]);
  await client.enqueue('Slow', ['until it is let go']);
  const running = worker.run();
  await done.promise;
  // What the worker tells of is in Redis with its next sync.
  await eventually(async () => {
    const found = [
      await db.llen('resque:failed'),
      await db.zcard('resque:retry'),
      await db.get('resque:stat:processed'),
    ];
    if (`${found}` !== '13,2,35') throw new Error(`failed, retry and processed are ${found}`);
  });

  await client.enqueue(MARKUP, [MARKUP], { queue: MARKUP });
  for (let i = 0; i < 60; i++) await client.enqueue('Export', [i], { queue: 'stuck' });
  await client.enqueue('Large', [LARGE], { queue: 'large' });
  // As Ruby's client writes it: without an id.
  await db.rpush('resque:queue:ruby', '{"class":"Hello","args":["hi","there"]}', 'this is no JSON');
  await db.sadd('resque:queues', 'ruby', 'empty');
  for (let i = 1; i <= 5; i++) await client.enqueue('Reminder', [i], { queue: 'mail', in: i * 3_600_000 });
  await client.cron.upsert('nightly', {
    cron: '0 3 * * *',
    timeZone: 'Europe/Paris',
    class: 'Mail',
    description: MARKUP,
  });
  await db.hset('resque:persistent_schedules', 'broken', '{"cron":"not a cron","class":"Mail"}');
  await db.sadd('resque:workers', 'deadhost:1:mail');
  await db.set('resque:worker:deadhost:1:mail:started', '2020-01-01 00:00:00 +0000');
  await db.hset('resque:workers:heartbeat', 'deadhost:1:mail', '2020-01-01T00:00:00Z');
  return {
    client,
    worker,
    mailed,
    imported,
    repair: () => {
      repaired = true;
    },
    async stop() {
      letGo.resolve();
      worker.stop();
      await running;
      await client.close();
    },
  };
}
