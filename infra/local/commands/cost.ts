import { type Bill, type BilledSystem, billOf, type Workload } from '../../../functions/contract/bill.ts';
import { pricesOf } from '../../../functions/contract/prices.ts';
import { ConfigError } from '../../../shared/index.ts';
import { type Alternatives, alternativesOf } from '../cost/alternatives.ts';
import { readApp } from '../cost/read-app.ts';
import { type ClassFlag, workloadsOf } from '../cost/workloads.ts';
import { table } from '../table.ts';

interface CostFlags {
  readonly jobsPerDay: number;
  readonly ms: number;
  readonly class?: readonly ClassFlag[];
  readonly app?: string;
  readonly system?: string;
  readonly memory: number;
  readonly concurrency: number;
  readonly maxWorkers: number;
  readonly json?: true;
}

const NAME = 'default';

/** `lambdesque cost`: a bill before anything is deployed. */
export async function cost(flags: CostFlags): Promise<void> {
  const { memory, concurrency, maxWorkers } = flags;
  if (flags.system !== undefined && flags.app === undefined) {
    throw new ConfigError('--system is the path of a construct in an app: give --app as well.');
  }
  const app = flags.app === undefined ? undefined : await readApp(flags.app, flags.system);
  const system = app ?? {
    consumers: [{ name: NAME, memory, concurrency, maxWorkers, reserved: false }],
    schedulerMemory: 256,
    ticks: true,
    queues: 1,
    alarms: true,
    metricsDashboard: true,
    secrets: 1,
    upstash: true,
  };
  const work = workloadsOf(app, NAME, flags.class ?? [], flags);
  const [idle, bill] = [billOf(system, []), billOf(system, work)];
  const jobsPerDay = work.reduce((sum, one) => sum + one.jobsPerDay, 0);
  const ms = work.reduce((sum, one) => sum + one.jobsPerDay * one.ms, 0) / (jobsPerDay || 1);
  const beside = alternativesOf(bill, { jobsPerDay, ms, memory: memoryOf(system, work) });
  if (flags.json) console.log(JSON.stringify({ system, work, idle, bill, beside }));
  else {
    const parts = [told(system, jobsPerDay), tableOf(idle, bill), tableBeside(beside), notes(system, bill)];
    console.log(parts.join('\n\n'));
  }
}

/** MB of the functions of those jobs, on average over what they run. */
function memoryOf({ consumers }: BilledSystem, work: readonly Workload[]): number {
  const sum = (of: (one: Workload) => number) => work.reduce((all, one) => all + of(one), 0);
  const time = ({ jobsPerDay, ms }: Workload) => jobsPerDay * ms || Number.MIN_VALUE;
  const memory = ({ consumer }: Workload) => consumers.find(({ name }) => name === consumer)?.memory ?? 0;
  return sum((one) => memory(one) * time(one)) / sum(time);
}

const jobs = (count: number) => (count === 1 ? '1 job' : `${count} jobs`);

function told({ consumers }: BilledSystem, jobsPerDay: number): string {
  const shown = consumers.map(
    ({ name, memory, concurrency }) => `${name} (${memory} MB, ${jobs(concurrency)} at once)`,
  );
  return `${jobsPerDay.toLocaleString('en')} jobs a day; consumers: ${shown.join(', ')}`;
}

const usd = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** What each line of a bill is called. */
export const lines: readonly (readonly [title: string, key: Exclude<keyof Bill, 'short'>])[] = [
  ['Lambda', 'lambda'],
  ['EventBridge Scheduler', 'eventBridge'],
  ['logs', 'logs'],
  ['metrics', 'metrics'],
  ['alarms', 'alarms'],
  ['dashboard', 'dashboard'],
  ['secret', 'secrets'],
  ['AWS', 'aws'],
  ['Upstash, pay as you go: scheduler and consumers', 'commands'],
  ["Upstash, pay as you go: the apps' own pushes, whoever consumes", 'pushes'],
  ['all', 'all'],
];

/** What each line of what else could run the jobs is called. */
export const besides: readonly (readonly [title: string, of: (beside: Alternatives) => number])[] = [
  ['all, with a Redis of your own on a server', ({ ownRedis }) => ownRedis.all],
  ['SQS with Lambda: Lambda', ({ sqs }) => sqs.lambda],
  ['SQS with Lambda: requests', ({ sqs }) => sqs.requests],
  ['SQS with Lambda: logs', ({ sqs }) => sqs.logs],
  ['SQS with Lambda: all', ({ sqs }) => sqs.all],
  ['BullMQ, asynq or `lambdesque work` on a server: the server', ({ server }) => server.server],
  ['BullMQ, asynq or `lambdesque work` on a server: logs', ({ server }) => server.logs],
  ['BullMQ, asynq or `lambdesque work` on a server: all', ({ server }) => server.all],
];

function tableBeside(beside: Alternatives): string {
  return table(besides, [
    { title: 'USD a month, beside it', value: ([title]) => title, least: 20 },
    { title: 'with these jobs', value: ([, of]) => usd.format(of(beside)), align: 'right' },
  ]);
}

function tableOf(idle: Bill, bill: Bill): string {
  return table(lines, [
    { title: 'USD a month', value: ([title]) => title, least: 20 },
    { title: 'idle', value: ([, key]) => usd.format(idle[key]), align: 'right' },
    { title: 'with these jobs', value: ([, key]) => usd.format(bill[key]), align: 'right' },
  ]);
}

function notes({ upstash, ticks }: BilledSystem, { short }: Bill): string {
  return [
    ...short.map(
      ({ consumer, workers }) =>
        `The consumer ${consumer.name} cannot keep up: that takes ${workers} workers of ${jobs(consumer.concurrency)} at once, and maxWorkers is ${consumer.maxWorkers}.`,
    ),
    ...(upstash
      ? []
      : [
          'What Redis itself costs is not in it, as it is not Upstash’s, nor what leads from its VPC to AWS (a NAT gateway or endpoints).',
        ]),
    ...(ticks ? [] : ['On demand: as if there were jobs in each minute; what rings the doorbells is not in it.']),
    `An estimate, by list prices of us-east-1 of ${pricesOf}, for jobs that come evenly; handlers that wait share their function, those that use the CPU do not. infra/README.md has the arithmetic.`,
  ].join('\n');
}
