import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { type Dimension, metrics } from '../../functions/contract/metric-names.ts';
import { defaultMetricsNamespace, type SystemOptions, systemNameOf } from '../function/function.ts';
import { omitUndefined } from '../omit-undefined.ts';

/** Which system's metrics, and where CloudWatch keeps them. */
export interface MetricSource {
  /** CloudWatch's. */
  readonly namespace: string;
  /** The system's name, their first dimension. */
  readonly system: string;
}

export function metricSource(
  scope: Construct,
  props: Pick<SystemOptions, 'systemName' | 'metricsNamespace'>,
): MetricSource {
  return { namespace: props.metricsNamespace ?? defaultMetricsNamespace, system: systemNameOf(scope, props) };
}

type MetricName = keyof typeof metrics;
/** Written by a consumer, for each of its queues. */
export type ConsumerMetricName = NamesWith<'queue', NamesWith<'consumer'>>;
/** Written by the scheduler, for each queue. */
export type QueueMetricName = Exclude<NamesWith<'queue'>, ConsumerMetricName>;
/** Written by the scheduler, for each consumer. */
type FleetMetricName = Exclude<NamesWith<'consumer'>, ConsumerMetricName>;
/** Written by the scheduler, once. */
export type SystemMetricName = Exclude<MetricName, NamesWith<'consumer' | 'queue'>>;

type NamesWith<D extends Dimension, Of extends MetricName = MetricName> = {
  [name in Of]: D extends (typeof metrics)[name]['dimensions'][number] ? name : never;
}[Of];

/** How a metric is shown. */
export interface MetricOptions {
  /** @default Stats.SUM of what is counted where it happens, Stats.AVERAGE of times, Stats.MAXIMUM of what the scheduler sees */
  readonly statistic?: string;
  /** @default Duration.minutes(5) of a consumer's, Duration.minutes(1) of the scheduler's */
  readonly period?: Duration;
  /** In graphs. @default CloudWatch makes one */
  readonly label?: string;
  /** In graphs, such as `#1f77b4`. @default CloudWatch takes one */
  readonly color?: string;
}

/** How a metric of queues is shown, and of which. */
export interface QueueMetricOptions extends MetricOptions {
  /** @default all queues together, by a Metrics Insights query, which has no percentiles */
  readonly queue?: string;
}

/** @param consumer its name */
export function consumerMetric(
  source: MetricSource,
  consumer: string,
  name: ConsumerMetricName,
  { queue, ...options }: QueueMetricOptions = {},
): IMetric {
  const full = { statistic: statisticOf(name), period: Duration.minutes(5), ...omitUndefined(options) };
  if (queue !== undefined) return metric(source, name, { consumer, queue }, full);
  return query(source, name, full, ` AND consumer = '${consumer}'`);
}

/** Of one queue, or the highest, sum or average of all. */
export function queueMetric(
  source: MetricSource,
  name: QueueMetricName,
  { queue, ...options }: QueueMetricOptions = {},
): IMetric {
  const full = { statistic: Stats.MAXIMUM, period: Duration.minutes(1), ...omitUndefined(options) };
  return queue === undefined ? query(source, name, full) : metric(source, name, { queue }, full);
}

export function fleetMetric(
  source: MetricSource,
  consumer: string,
  name: FleetMetricName,
  options: MetricOptions = {},
): Metric {
  return metric(
    source,
    name,
    { consumer },
    { statistic: statisticOf(name), period: Duration.minutes(1), ...omitUndefined(options) },
  );
}

export function systemMetric(source: MetricSource, name: SystemMetricName, options: MetricOptions = {}): Metric {
  return metric(
    source,
    name,
    {},
    { statistic: statisticOf(name), period: Duration.minutes(1), ...omitUndefined(options) },
  );
}

/** One line for each queue, whichever there are; for dashboards, as alarms take no search. */
export function byQueue(
  source: MetricSource,
  name: ConsumerMetricName | QueueMetricName,
  statistic: string,
  options: { readonly consumer?: string; readonly period?: Duration } = {},
): IMetric {
  const schema = [source.namespace, ...metrics[name].dimensions].map((part) => `"${part}"`).join(',');
  const where = options.consumer === undefined ? '' : ` consumer="${options.consumer}"`;
  const whose = ` system="${source.system}"${where}`;
  const period = options.period ?? Duration.minutes(1);
  return new MathExpression({
    expression: `SEARCH('{${schema}} MetricName="${metrics[name].name}"${whose}', '${statistic}', ${period.toSeconds()})`,
    label: `\${PROP('Dim.queue')}`,
    period,
  });
}

type FullOptions = MetricOptions & Required<Pick<MetricOptions, 'statistic' | 'period'>>;

function metric(
  source: MetricSource,
  name: MetricName,
  dimensionsMap: Readonly<Record<string, string>>,
  options: FullOptions,
): Metric {
  const { namespace, system } = source;
  return new Metric({
    namespace,
    metricName: metrics[name].name,
    dimensionsMap: { system, ...dimensionsMap },
    ...options,
  });
}

const FUNCTIONS: Readonly<Record<string, string>> = {
  [Stats.SUM]: 'SUM',
  [Stats.AVERAGE]: 'AVG',
  [Stats.MAXIMUM]: 'MAX',
  [Stats.MINIMUM]: 'MIN',
  [Stats.SAMPLE_COUNT]: 'COUNT',
};

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html */
function query(source: MetricSource, name: MetricName, { statistic, ...options }: FullOptions, and = ''): IMetric {
  const aggregate = FUNCTIONS[statistic];
  if (aggregate === undefined) {
    throw new Error(
      `The statistic ${JSON.stringify(statistic)} of ${metrics[name].name} needs a queue: over all queues CloudWatch ` +
        `gives only ${Object.keys(FUNCTIONS).join(', ')}.`,
    );
  }
  const schema = [`"${source.namespace}"`, ...metrics[name].dimensions].join(', ');
  return new MathExpression({
    expression: `SELECT ${aggregate}(${metrics[name].name}) FROM SCHEMA(${schema}) WHERE system = '${source.system}'${and}`,
    label: metrics[name].name,
    ...options,
  });
}

/** Counts of events are summed; the scheduler's gauges would be counted twice by two ticks in a period. */
const EVENTS: ReadonlySet<MetricName> = new Set([
  'processed',
  'succeeded',
  'failed',
  'retried',
  'reclaimed',
  'ticks',
] satisfies MetricName[]);

function statisticOf(name: MetricName): string {
  if (EVENTS.has(name)) return Stats.SUM;
  return name === 'duration' || name === 'queueWait' ? Stats.AVERAGE : Stats.MAXIMUM;
}
