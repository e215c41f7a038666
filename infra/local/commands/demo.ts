import { styleText } from 'node:util';
import { LambdesqueError, type RunReport } from '../../../shared/index.ts';
import {
  createEnqueuer,
  createRegistry,
  errorInfo,
  parseQueues,
  silentLogger,
  WorkerService,
} from '../../../shared/internal.ts';
import { type Backend, connect } from '../backend.ts';
import demoJobs, { Flaky, Hello, Hopeless } from '../demo-jobs.ts';
import type { Env } from '../redis/install.ts';
import { localRedis } from '../redis/local-redis.ts';
import { type Column, table } from '../table.ts';

/** Seconds from the start to the delayed job, and to the end: late enough for the retry, too. */
const DELAY = 8;
const GIVE_UP_MS = 60_000;

/** What a producer writes, to the letter, and who. */
const producers = [
  {
    by: "Ruby: Resque.enqueue(Hello, 'hi', 'Zoë')",
    queue: 'myqueue',
    class: 'Hello',
    raw: '{"class":"Hello","args":["hi","Zoë"]}',
  },
  {
    by: 'Ruby: an amount beyond 2^53',
    queue: 'billing:high',
    class: 'Billing::Charge',
    raw: '{"class":"Billing::Charge","args":[12345678901234567890,{"currency":"EUR"}]}',
  },
  {
    by: "PHP: Resque::enqueue('php', 'PHP_Mail', …)",
    queue: 'php',
    class: 'PHP_Mail',
    raw: String.raw`{"class":"PHP_Mail","args":[{"to":"Zo\u00eb\/x"}],"id":"d96d3448e98b29aace86a5474d84fe78","queue_time":1795207237.12411}`,
  },
  {
    by: 'node-resque: queue.enqueue(…)',
    queue: 'myqueue',
    class: 'Hello',
    raw: '{"class":"Hello","queue":"myqueue","args":["from","Node"]}',
  },
  { by: 'redis-cli RPUSH …', queue: 'myqueue', class: 'Hello', raw: '{"class":"Hello","args":["hi","there11"]}' },
  { by: 'redis-cli: an unknown class', queue: 'myqueue', class: 'Nobody', raw: '{"class":"Nobody","args":[1]}' },
  { by: 'redis-cli: not JSON', queue: 'myqueue', class: undefined, raw: 'not JSON at all' },
] as const;

interface Row {
  readonly by: string;
  readonly class: string | undefined;
  /** The outcomes that this job is to have, one for each run. */
  readonly expected: readonly RunReport['outcome'][];
  readonly runs: RunReport[];
}

/** `npm run demo`: a job's whole life, on a Redis of its own, or under a namespace of its own on yours. */
export async function demo(env: Env): Promise<void> {
  const redis = await localRedis({ env, say: (line) => console.log(line) });
  // A hash tag, for a Redis Cluster.
  const namespace = redis.started ? 'resque:' : `{lambdesque-demo-${process.pid}}:`;
  try {
    const backend = connect({ uri: redis.url, namespace }, {});
    try {
      console.log(`Redis: ${redis.description}\n`);
      await show(backend);
    } finally {
      if (!redis.started) await removeKeys(backend);
      await backend.store.close();
    }
  } finally {
    await redis.stop();
  }
}

const OUTCOMES = ['succeeded', 'retried', 'failed', 'discarded', 'released'] as const;

async function show(backend: Backend): Promise<void> {
  const registry = createRegistry(demoJobs);
  const client = createEnqueuer({ store: backend.store, registry, metadata: true });
  const began = Date.now();
  const say = (text: string) =>
    console.log(`${styleText('dim', `${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s`)}  ${text}`);

  const rows: Row[] = [];
  for (const { by, queue, class: name, raw } of producers) {
    await backend.redis.command(['SADD', `${backend.namespace}queues`, queue]);
    await backend.redis.command(['RPUSH', `${backend.namespace}queue:${queue}`, raw]);
    say(`${styleText('cyan', 'enqueued')}   ${by}`);
    const failed = name === undefined || name === 'Nobody';
    rows.push({ by, class: name, expected: [failed ? 'failed' : 'succeeded'], runs: [] });
  }
  const ours: readonly (Omit<Row, 'runs' | 'class'> & { enqueue(): Promise<{ id: string | undefined }> })[] = [
    { by: 'enqueue(Flaky): fails once', expected: ['retried', 'succeeded'], enqueue: () => client.enqueue(Flaky, []) },
    { by: 'enqueue(Hopeless): throws SkipRetry', expected: ['failed'], enqueue: () => client.enqueue(Hopeless, []) },
    {
      by: `enqueue(Hello, …, { in: '${DELAY}s' })`,
      expected: ['succeeded'],
      enqueue: () => client.enqueue(Hello, ['right', 'on time'], { in: DELAY * 1000 }),
    },
  ];
  const byId = new Map<string, Row>();
  for (const { by, expected, enqueue } of ours) {
    const { id } = await enqueue();
    say(`${styleText('cyan', 'enqueued')}   ${by}`);
    const row: Row = { by, class: undefined, expected, runs: [] };
    rows.push(row);
    byId.set(id ?? '', row);
  }

  const isOver = () => rows.every((row) => row.runs.length >= row.expected.length);
  const worker = new WorkerService({
    ...backend,
    registry,
    queues: parseQueues('*'),
    options: { interval: '200ms', concurrency: 1, logRuns: false },
    cron: {},
    log: silentLogger,
  });
  for (const outcome of OUTCOMES) {
    worker.on(outcome, (run) => {
      const row =
        byId.get(run.id ?? '') ?? rows.find((one) => one.class === run.class && one.runs.length === 0 && !isOurs(one));
      row?.runs.push(run);
      say(lineOf(run));
      if (isOver()) worker.stop();
    });
  }
  worker.on('ticked', ({ promoted, retried }) => {
    if (promoted > 0) say(`${styleText('cyan', 'promoted')}   ${promoted} delayed job, due now`);
    if (retried > 0) say(`${styleText('cyan', 'promoted')}   ${retried} retry, due now`);
  });
  const isOurs = (row: Row) => [...byId.values()].includes(row);
  const giveUp = setTimeout(() => worker.stop(), GIVE_UP_MS);
  await worker.run();
  clearTimeout(giveUp);

  console.log(`\n${table(rows, columns)}\n`);
  const failed = Number(await backend.redis.command(['LLEN', `${backend.namespace}failed`]));
  console.log(
    `${worker.summary.processed} runs: ${worker.summary.succeeded} succeeded, ${worker.summary.retried} to be retried, ${worker.summary.failed} in the failed list (${failed} entries).`,
  );
  console.log('Next: npm start');
  if (!rows.every(asExpected)) {
    throw new LambdesqueError('The demo did not go as planned: see the table. Please report it with the output above.');
  }
}

const COLOURS = { succeeded: 'green', retried: 'yellow', failed: 'red', discarded: 'dim', released: 'dim' } as const;

function lineOf(run: RunReport): string {
  const outcome = styleText(COLOURS[run.outcome], run.outcome.padEnd(10));
  const attempt = run.attempt !== undefined && run.attempt > 1 ? `, attempt ${run.attempt}` : '';
  const { exception, error } = run.error === undefined ? { exception: '', error: '' } : errorInfo(run.error);
  return `${outcome} ${run.class ?? '(no class)'} from ${run.queue}${attempt}${error ? styleText('dim', `  ${exception}: ${error}`) : ''}`;
}

const columns: readonly Column<Row>[] = [
  { title: 'job', value: (row) => row.by, least: 20 },
  {
    title: 'what happened',
    value: (row) => row.runs.map((run) => run.outcome).join(', then ') || 'did not run',
    least: 13,
  },
  {
    title: '',
    value: (row) => (asExpected(row) ? 'as it should' : `should have: ${row.expected.join(', then ')}`),
    least: 12,
  },
];

function asExpected(row: Row): boolean {
  return row.runs.map((run) => run.outcome).join() === row.expected.join();
}

/** On a Redis that is not ours, the demo leaves nothing behind. */
async function removeKeys({ redis: client, namespace }: Backend): Promise<void> {
  const queues = ['myqueue', 'billing:high', 'php'].map((name) => `queue:${name}`);
  const names = [
    ...queues,
    'queues',
    'failed',
    'stat:processed',
    'stat:failed',
    'retry',
    'retry:payloads',
    'delayed_queue_schedule',
    'leases',
    'workers',
    'workers:heartbeat',
  ];
  await client.command(['DEL', ...names.map((name) => `${namespace}${name}`)]);
}
