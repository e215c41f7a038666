import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { metricsAddress } from '../../infra/local/metrics/address.ts';
import { serveMetrics } from '../../infra/local/metrics/server.ts';
import { createClient, defineJob } from '../../shared/index.ts';
import {
  createRegistry,
  openRedis,
  parseQueues,
  type RedisClient,
  redisBroker,
  WorkerService,
} from '../../shared/internal.ts';
import { openSite, type Site } from '../helpers/dashboard/site.ts';
import { eventually } from '../helpers/eventually.ts';
import { type Family, readExposition, sampleOf } from '../helpers/exposition.ts';
import { checkMetrics, prometheusHere, startPrometheus } from '../helpers/prometheus.ts';
import { type RecordingLogger, recordingLogger } from '../helpers/recording-logger.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';

/** What Prometheus is told, by a worker and by the dashboard. */

const ODD = 'a "queue"\\with\nall';
const TOKEN = 'a token that nobody guesses'.replaceAll(' ', '-');

let redis: TestRedis;
let connection: RedisClient;
let worker: WorkerService;
let running: Promise<unknown>;
let site: Site;
let log: RecordingLogger;
let metrics: Awaited<ReturnType<typeof serveMetrics>>;

beforeAll(async () => {
  redis = await startRedis();
  const jobs = [
    defineJob({ class: 'Good', queue: 'good', perform() {} }),
    defineJob({
      class: 'Bad',
      queue: 'good',
      retry: { attempts: 1 },
      perform() {
        throw new Error('no');
      },
    }),
  ];
  connection = openRedis({ url: redis.url });
  const namespace = 'resque:';
  log = recordingLogger();
  worker = new WorkerService({
    redis: connection,
    store: redisBroker(connection, namespace),
    namespace,
    registry: createRegistry(jobs),
    queues: parseQueues('good'),
    options: { interval: '20ms' },
    cron: {},
    log,
  });
  const address = { host: '127.0.0.1', port: 0 };
  metrics = await serveMetrics({ worker, systems: [{ redis: connection, namespace }], address, token: TOKEN, log });
  await using client = createClient({ url: redis.url, jobs, metadata: true });
  await client.enqueueAll([
    { job: 'Good', args: [1] },
    { job: 'Good', args: [2] },
    { job: 'Good', args: [3], in: '1s' },
    { job: 'Bad', args: [] },
    { job: 'Other', args: [], queue: ODD },
  ]);
  site = await openSite(redis, { password: 'correct horse battery staple', metricsToken: TOKEN });
  running = worker.run();
  // The last one by way of the scheduler.
  await eventually(() => expect(worker.summary.processed).toBe(4));
});
afterAll(async () => {
  worker?.stop();
  await running;
  await metrics?.close();
  await site?.stop();
  await connection?.close();
  await redis?.stop();
});

const scrape = (token?: string, path = '/metrics') =>
  fetch(`http://127.0.0.1:${metrics.port}${path}`, token ? { headers: { authorization: `Bearer ${token}` } } : {});

/** The same of both: what Redis knows. */
function expectSystem(families: ReadonlyMap<string, Family>): void {
  const at = (name: string, labels = {}) => sampleOf(families, name, labels);
  expect(at('lambdesque_queue_size', { queue: ODD })).toBe(1);
  expect(at('lambdesque_queue_size', { queue: 'good' })).toBe(0);
  expect(at('lambdesque_queue_oldest_age_seconds', { queue: ODD })).toBeGreaterThanOrEqual(0);
  expect(at('lambdesque_queue_workers', { queue: 'good' })).toBe(1);
  expect(at('lambdesque_jobs_processed_total', { queue: 'good', class: 'Good', outcome: 'succeeded' })).toBe(3);
  expect(at('lambdesque_jobs_processed_total', { queue: 'good', class: 'Bad', outcome: 'failed' })).toBe(1);
  const good = { queue: 'good', class: 'Good' };
  expect(at('lambdesque_job_duration_seconds_count', good)).toBe(3);
  expect(at('lambdesque_job_duration_seconds_bucket', { ...good, le: '60' })).toBe(3);
  expect(at('lambdesque_job_duration_seconds_count', { ...good, class: 'Bad' })).toBe(1);
  expect(at('lambdesque_job_wait_seconds_count', good)).toBe(2);
  expect(at('lambdesque_failed_jobs')).toBe(1);
  expect(at('lambdesque_workers')).toBe(1);
  expect(at('lambdesque_scheduler_overdue_seconds')).toBe(0);
}

test('a worker tells what it did, as histograms, and what Redis knows', async () => {
  const response = await scrape(TOKEN);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = readExposition(await response.text());
  expectSystem(families);
  const at = (name: string, labels = {}) => sampleOf(families, name, labels);
  const labels = { queue: 'good', class: 'Good' };
  expect(at('lambdesque_worker_jobs_total', { ...labels, outcome: 'succeeded' })).toBe(3);
  expect(at('lambdesque_worker_job_duration_seconds_bucket', { ...labels, le: '+Inf' })).toBe(3);
  expect(at('lambdesque_worker_job_duration_seconds_bucket', { ...labels, le: '60' })).toBe(3);
  expect(at('lambdesque_scheduler_moved_jobs_total', { kind: 'delayed' })).toBe(1);
  expect(at('lambdesque_scheduler_lateness_seconds_count')).toBe(1);
  expect(at('process_resident_memory_bytes')).toBeGreaterThan(1e6);
  expect(at('lambdesque_redis_up')).toBe(1);
});

test('a job that is overdue is told by how much', async () => {
  const { seconds } = { seconds: 100 };
  const now = Number((await redis.client.time())[0]);
  // Nobody looks at this namespace.
  await redis.client.zadd('silent:delayed_queue_schedule', now - seconds, String(now - seconds));
  const other = await openSite(redis, { namespace: 'silent:' });
  const families = readExposition((await other.get('/metrics')).html);
  await other.stop();
  expect(sampleOf(families, 'lambdesque_scheduler_overdue_seconds')).toBeGreaterThanOrEqual(seconds);
});

describe('the dashboard', () => {
  test('tells the same to who has the token', async () => {
    const response = await fetch(`${site.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(response.status).toBe(200);
    expectSystem(readExposition(await response.text()));
  });

  test('shows a stranger the sign-in, and refuses a wrong token; the token opens nothing else', async () => {
    const get = (path: string, authorization?: string) =>
      fetch(site.url + path, { redirect: 'manual', headers: authorization ? { authorization } : {} });
    expect((await get('/metrics')).status).toBe(303);
    for (const wrong of ['Bearer wrong', TOKEN, `Basic ${TOKEN}`])
      expect((await get('/metrics', wrong)).status).toBe(401);
    expect((await get('/queues', `Bearer ${TOKEN}`)).status).toBe(303);
  });
});

describe('a worker’s port', () => {
  test('asks for the token, and has nothing but metrics', async () => {
    expect((await scrape()).status).toBe(401);
    expect((await scrape('wrong')).status).toBe(401);
    expect((await scrape(TOKEN, '/')).status).toBe(404);
  });

  test.each([
    ['9464', { port: 9464 }],
    [':9464', { port: 9464 }],
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['localhost', undefined],
    [':99999', undefined],
    ['a:b:1', undefined],
  ])('is given as %s', (text, expected) => expect(metricsAddress(text)).toEqual(expected));

  test('that another program has is an error that names it', async () => {
    const address = { host: '127.0.0.1', port: metrics.port };
    const again = serveMetrics({ worker, systems: [{ redis: connection, namespace: 'resque:' }], address, log });
    await expect(again).rejects.toThrow(`127.0.0.1:${metrics.port}: another program has that port`);
  });
});

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

test('Grafana asks for names that are told', async () => {
  const { panels } = JSON.parse(readFileSync('infra/grafana/lambdesque.json', 'utf8')) as Dashboard;
  const told = new Set(
    [...readExposition(await (await scrape(TOKEN)).text()).values()].flatMap(({ series }) =>
      series.map((one) => one.name),
    ),
  );
  const asked = panels.flatMap(({ targets }) =>
    targets.flatMap(({ expr }) => expr.match(/\b(lambdesque|process|nodejs)_\w+/g) ?? []),
  );
  expect(asked.length).toBeGreaterThan(20);
  expect(asked.filter((name) => !told.has(name))).toEqual([]);
});

const { missing } = await prometheusHere();
if (missing) console.log(`Prometheus is skipped: ${missing}.`);

describe.skipIf(missing)('a real Prometheus', () => {
  test('has nothing to say against what either tells', async () => {
    for (const url of [`http://127.0.0.1:${metrics.port}`, site.url]) {
      const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect(await checkMetrics(await response.text()), url).toBe('');
    }
  });

  test('scrapes both, and Grafana’s panels have an answer from each', async () => {
    const page = new URL(site.url).host;
    await using prometheus = await startPrometheus({ worker: `127.0.0.1:${metrics.port}`, page }, TOKEN);
    await using client = createClient({ url: redis.url, metadata: true });
    const { panels } = JSON.parse(readFileSync('infra/grafana/lambdesque.json', 'utf8')) as Dashboard;
    const ask = (expr: string, job: string) =>
      prometheus.query(expr.replaceAll('$job', job).replaceAll('$__rate_interval', '1m'));
    const up = () => eventually(async () => expect(await prometheus.query('sum(up)')).toEqual([2]));
    await up();
    // A rate needs two scrapes, and something between them.
    await client.enqueueAll(['Good', 'Bad'].map((job) => ({ job, args: [], queue: 'good' })));
    const p95 =
      panels.flatMap(({ targets }) => targets).find(({ expr }) => /0\.95.*job_duration/.test(expr))?.expr ?? '';
    for (const job of ['worker', 'page'])
      await eventually(async () => expect((await ask(p95, job))[0]).toBeGreaterThan(0));
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        // The second is what only a worker knows: itself.
        const jobs = /worker|process_|nodejs_|scheduler_(moved|lateness)/.test(expr.replace('lambdesque_workers', ''))
          ? ['worker']
          : ['worker', 'page'];
        for (const job of jobs) expect((await ask(expr, job)).length, `${title} by ${job}: ${expr}`).toBeGreaterThan(0);
      }
    }
  });
});

// The last one: it takes Redis away.
test('without Redis a worker tells of itself, and that Redis is away', async () => {
  // It has nothing to give back later.
  worker.stop();
  await running;
  await redis.stop();
  const families = readExposition(await (await scrape(TOKEN)).text());
  expect(sampleOf(families, 'lambdesque_redis_up')).toBe(0);
  expect(
    sampleOf(families, 'lambdesque_worker_jobs_total', { queue: 'good', class: 'Good', outcome: 'succeeded' }),
  ).toBeGreaterThanOrEqual(3);
  expect(log.lines.some(({ message }) => message.startsWith('The metrics of the whole system could not be read'))).toBe(
    true,
  );
});
