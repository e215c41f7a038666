import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { type BilledSystem, billOf } from '../../functions/contract/bill.ts';
import { pricesOf } from '../../functions/contract/prices.ts';
import { besides, lines } from '../../infra/local/commands/cost.ts';
import { alternativesOf } from '../../infra/local/cost/alternatives.ts';
import { readApp } from '../../infra/local/cost/read-app.ts';
import { workloadsOf } from '../../infra/local/cost/workloads.ts';
import { jobClass } from '../../infra/local/flag-values.ts';
import type { SystemMetadata } from '../../infra/system-metadata.ts';

/** The bill before a deployment: of the example, as it is synthesized. */

let app: SystemMetadata;
beforeAll(async () => {
  app = await readApp('infra/app.ts');
}, 120_000);

const second = (rate: number) =>
  rate === 0 ? [] : [{ consumer: 'default', queue: 'default', jobsPerDay: rate * 86_400, ms: 50 }];

test('the system is the one that the app has', () => {
  expect(app).toMatchObject({
    ticks: true,
    queues: 7,
    secrets: 1,
    schedulerMemory: 256,
    upstash: true,
    classes: { Hello: 'myqueue' },
    drains: { mail: 'mailers=3,newsletters=1' },
  });
  expect(app.consumers.find(({ name }) => name === 'ledger')).toMatchObject({ concurrency: 1, maxWorkers: 1 });
});

const usd = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function rowsOfReadme(): string[][] {
  const readme = readFileSync('infra/README.md', 'utf8');
  return [...readme.matchAll(/^\| +(.*?) +\| +(\S+) +\| +(\S+) +\| +(\S+) +\|$/gm)].map(([, ...cells]) =>
    cells.map((cell = '') => cell.replaceAll('*', '')),
  );
}

test('README’s table is this arithmetic', () => {
  const bills = [0, 1, 100].map((rate) => billOf(app, second(rate)));
  const wanted = lines.map(([title, key]) => [title, ...bills.map((bill) => usd.format(bill[key]))]);
  expect(rowsOfReadme()).toEqual(expect.arrayContaining(wanted));
});

test('so is the one of jobs a day, beside SQS and a server', () => {
  const loads = [1e4, 1e6, 1e8].map((jobsPerDay) => {
    const bill = billOf(app, [{ consumer: 'default', queue: 'default', jobsPerDay, ms: 50 }]);
    expect(bill.short, 'its workers keep up').toEqual([]);
    return { bill, beside: alternativesOf(bill, { jobsPerDay, ms: 50, memory: 512 }) };
  });
  const wanted = [
    ...lines.map(([title, key]) => [title, ...loads.map(({ bill }) => usd.format(bill[key]))]),
    ...besides.map(([title, of]) => [title, ...loads.map(({ beside }) => usd.format(of(beside)))]),
  ];
  const fixed = new Set(['EventBridge Scheduler', 'metrics', 'alarms', 'dashboard', 'secret']);
  expect(rowsOfReadme()).toEqual(expect.arrayContaining(wanted.filter(([title = '']) => !fixed.has(title))));
});

test('README says of when the prices are, as the command does', () => {
  expect(readFileSync('infra/README.md', 'utf8')).toContain(`list prices of us-east-1 of ${pricesOf}`);
});

test('others’ prices, by hand', () => {
  const days = 43_800 / 1_440;
  const none = billOf(app, []);
  const { sqs, server, ownRedis } = alternativesOf(none, { jobsPerDay: 86_400 * 1_000, ms: 100, memory: 1_024 });
  const jobs = 86_400_000 * days;
  expect(sqs.lambda).toBeCloseTo((jobs / 10) * (0.1 * 0.0000133334 + 0.0000002), 4);
  expect(sqs.requests).toBeCloseTo((1.2 * jobs + 657_000) * 0.0000004, 4);
  expect(server.server).toBeCloseTo(730 * 0.0218 + 0.64, 6);
  expect(ownRedis.all).toBeCloseTo(none.aws + server.server + 32.85, 6);
  expect(alternativesOf(none, { jobsPerDay: 0, ms: 50, memory: 512 }).sqs.all).toBe(0);
});

describe('of jobs', () => {
  const system: BilledSystem = {
    consumers: [{ name: 'default', memory: 1024, concurrency: 1, maxWorkers: 2, reserved: true }],
    schedulerMemory: 256,
    ticks: false,
    queues: 1,
    alarms: false,
    metricsDashboard: false,
    secrets: 0,
    upstash: false,
  };
  const of = (jobsPerDay: number, ms: number) =>
    billOf(system, [{ ...second(1)[0], queue: 'q', consumer: 'default', jobsPerDay, ms }]);

  test('Lambda bills what handlers take and the starts: of one at a time, every second of it', () => {
    const days = 43_800 / 1_440;
    const { lambda, commands, pushes } = of(24, 60_000);
    expect(lambda).toBeCloseTo(24 * days * (60.3 * 0.0000133334 + 0.0000002), 6);
    // It is not Upstash's.
    expect(commands + pushes).toBe(0);
  });

  test('more work than maxWorkers can do is told', () => {
    expect(of(2 * 1_440, 59_000).short).toEqual([]);
    expect(of(3 * 1_440, 60_000).short).toMatchObject([{ workers: 3 }]);
  });
});

describe('a class', () => {
  const rest = { jobsPerDay: 1e6, ms: 50 };

  test('runs where its queue is drained, with numbers of its own or the common ones', () => {
    const flags = jobClass('Hello=1e3,2s');
    expect(workloadsOf(app, 'default', flags, rest)).toEqual([
      { consumer: 'default', queue: 'myqueue', jobsPerDay: 1_000, ms: 2_000 },
    ]);
    expect(workloadsOf(app, 'default', jobClass('Hello'), rest)).toMatchObject([rest]);
    expect(workloadsOf(undefined, 'default', [], rest)).toMatchObject([{ consumer: 'default', ...rest }]);
  });

  test('that the app does not have is refused, with what was meant', () => {
    const helo = () => workloadsOf(app, 'default', jobClass('Helo'), rest);
    expect(helo).toThrow('--class Helo: the app has no such class with a queue; did you mean Hello? It has Hello.');
    const undrained = () => workloadsOf({ ...app, drains: { mail: 'mailers' } }, 'default', jobClass('Hello'), rest);
    expect(undrained).toThrow('no consumer of the app drains its queue "myqueue"');
  });

  test.each(['=1', 'Report=x', 'Report=1,y'])('cannot be %s', (text) => {
    expect(() => jobClass(text)).toThrow(/^Allowed: /);
  });
});

test.each([
  ['nowhere.ts', /--app: nowhere\.ts is not there/],
  ['test/infra/jobs/good.ts', /has no Lambdesque construct/],
  ['test/infra/jobs/throwing.ts', /cannot be synthesized by node:.*cdk synth/s],
])('%s is no app', async (path, message) => {
  await expect(readApp(path)).rejects.toThrow(message);
});
