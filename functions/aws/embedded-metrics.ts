import { type Dimension, metrics } from '../contract/metric-names.ts';

type MetricKey = keyof typeof metrics;

/** One number, or how often each of several came. */
type MetricValue = number | Distribution;

/** Values that came, each with its count; at most 100 different ones. */
export interface Distribution {
  readonly Values: readonly number[];
  readonly Counts: readonly number[];
}

interface EmfOptions {
  /** CloudWatch's. */
  readonly namespace: string;
  /** Epoch ms. */
  readonly now: number;
  readonly dimensions: Readonly<Partial<Record<Dimension, string>>>;
  readonly values: Readonly<Partial<Record<MetricKey, MetricValue>>>;
  /** Fields for whoever reads the log; no metrics. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/**
 * One line of CloudWatch's embedded metric format: the log keeps it, CloudWatch makes the metrics. Each metric has the
 * dimensions that metric-names.ts says; with a `class` all have a second set that ends in it.
 *
 * A distribution is one object for any number of runs. The specification speaks of numbers and lists of up to 100, but
 * CloudWatch takes this form too, and AWS's own libraries write it.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 * @see https://docs.rs/metrique-writer-format-emf/latest/metrique_writer_format_emf/struct.Emf.html (awslabs)
 */
export function emfLine({ namespace, now, dimensions, values, fields = {} }: EmfOptions): string {
  const directives = new Map<string, { Dimensions: Dimension[][]; Metrics: { Name: string; Unit: string }[] }>();
  const members: Record<string, MetricValue> = {};
  for (const [key, value] of Object.entries(values)) {
    const { name, unit, dimensions: own } = metrics[key as MetricKey];
    let directive = directives.get(own.join());
    if (!directive) {
      const sets: Dimension[][] = [[...own]];
      if (dimensions.class !== undefined) sets.push([...own, 'class']);
      directive = { Dimensions: sets, Metrics: [] };
      directives.set(own.join(), directive);
    }
    directive.Metrics.push({ Name: name, Unit: unit });
    members[name] = value;
  }
  const CloudWatchMetrics = [...directives.values()].map((one) => ({ Namespace: namespace, ...one }));
  return JSON.stringify({ _aws: { Timestamp: now, CloudWatchMetrics }, ...fields, ...dimensions, ...members });
}

/** CloudWatch takes ASCII only, up to 1,024 characters, nothing empty and nothing that begins with a colon. */
export function dimensionValue(text: string): string {
  return text.trim() === '' ? '(empty)' : text.slice(0, 1_024).replace(/[^\x20-\x7e]|^:/g, '?');
}
