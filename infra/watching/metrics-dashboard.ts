import { Duration } from 'aws-cdk-lib';
import {
  Dashboard as CloudWatchDashboard,
  Column,
  GraphWidget,
  type IMetric,
  Row,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { OptionsOf } from '../../shared/internal.ts';
import type { Consumer } from '../consumer.ts';
import { checkProps } from '../options.ts';
import type { Scheduler } from '../scheduler.ts';
import { byQueue } from './metrics.ts';

/**
 * Consumers with graphs of their own, five widgets each: a dashboard has 500 at most.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
 */
const MOST_CONSUMERS = 50;

/** Props of CloudWatch's dashboard. */
export interface MetricsDashboardProps {
  /** Those that it shows. */
  readonly consumers: readonly Consumer[];
  /** What measures the queues. */
  readonly scheduler: Scheduler;
}

const OPTIONS = { consumers: true, scheduler: true } satisfies OptionsOf<MetricsDashboardProps>;

/**
 * One page of CloudWatch: what waits, then for each consumer (the first 50) what it did, and last the functions themselves. `Lambdesque` makes one.
 * @example new MetricsDashboard(stack, 'MetricsDashboard', { consumers: [consumer], scheduler });
 */
export class MetricsDashboard extends Construct {
  /** CloudWatch's own. */
  readonly dashboard: CloudWatchDashboard;

  constructor(scope: Construct, id: string, props: MetricsDashboardProps) {
    super(scope, id);
    if (new.target === MetricsDashboard) checkProps('MetricsDashboard', props, OPTIONS);
    const { consumers, scheduler } = props;
    const source = scheduler.metricSource;
    this.dashboard = new CloudWatchDashboard(this, 'Dashboard', { defaultInterval: Duration.hours(3) });
    this.dashboard.addWidgets(
      heading('Queues'),
      row(
        graph('Jobs that wait', [byQueue(source, 'depth', Stats.MAXIMUM)]),
        graph('Age of the oldest job, s', [byQueue(source, 'oldestAge', Stats.MAXIMUM)]),
        graph(
          'Live workers',
          consumers.map((one) => one.metricLiveWorkers({ label: one.consumerName })),
        ),
      ),
      row(
        graph('Waiting for their time', [
          scheduler.metricDelayed({ label: 'delayed' }),
          scheduler.metricRetries({ label: 'retries' }),
        ]),
        graph('Failed list', [scheduler.metricFailedLength({ label: 'length' })]),
        graph('Promoted late, ms', [scheduler.metricPromotionLateness({ label: 'latest' })]),
      ),
      ...consumers.slice(0, MOST_CONSUMERS).flatMap((one) => consumerWidgets(one)),
      heading('Functions'),
      row(...functionGraphs(props)),
    );
  }
}

function consumerWidgets(consumer: Consumer) {
  const name = consumer.consumerName;
  const of = (metric: Parameters<typeof byQueue>[1], statistic: string) =>
    byQueue(consumer.metricSource, metric, statistic, { consumer: name });
  return [
    heading(`Consumer ${name}: ${consumer.queues}`),
    row(
      graph('Jobs a minute', [of('processed', Stats.SUM)]),
      graph('Failed and retried', [of('failed', Stats.SUM), of('retried', Stats.SUM)]),
      graph('p99 of their duration, ms', [of('duration', Stats.p(99))]),
      graph('p99 of their wait, ms', [of('queueWait', Stats.p(99))]),
    ),
  ];
}

function functionGraphs({ consumers, scheduler }: MetricsDashboardProps) {
  const all = [
    ...consumers.map((one) => ({ label: one.consumerName, fn: one.function })),
    { label: 'scheduler', fn: scheduler.function },
  ];
  const period = Duration.minutes(1);
  return [
    graph(
      'Invocations',
      all.map(({ label, fn }) => fn.metricInvocations({ label, period })),
    ),
    graph(
      'Errors',
      all.map(({ label, fn }) => fn.metricErrors({ label, period })),
    ),
    graph(
      'Throttles',
      all.map(({ label, fn }) => fn.metricThrottles({ label, period })),
    ),
    graph(
      'Longest invocation, ms',
      all.map(({ label, fn }) => fn.metricDuration({ label, period, statistic: Stats.MAXIMUM })),
    ),
  ];
}

/** CloudWatch's grid has this many columns. */
const COLUMNS = 24;

function row(...graphs: readonly ((width: number) => GraphWidget)[]): Row {
  return new Row(...graphs.map((make) => make(COLUMNS / graphs.length)));
}

function graph(title: string, left: readonly IMetric[]): (width: number) => GraphWidget {
  return (width) => new GraphWidget({ title, left: [...left], width, height: 6, leftYAxis: { min: 0 } });
}

function heading(text: string): Column {
  return new Column(new TextWidget({ markdown: `## ${text}`, width: COLUMNS, height: 1 }));
}
