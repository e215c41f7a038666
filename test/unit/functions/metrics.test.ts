import { describe, expect, test } from 'vitest';
import { dimensionValue, emfLine } from '../../../functions/aws/embedded-metrics.ts';
import { Histogram } from '../../../functions/consumer/histogram.ts';
import { RunMetrics } from '../../../functions/consumer/run-metrics.ts';
import { metrics } from '../../../functions/contract/metric-names.ts';
import type { RunReport } from '../../../shared/worker/reporter.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

describe('a line of the embedded metric format', () => {
  test('names its metrics with their units and dimensions', () => {
    const line = emfLine({
      namespace: 'Lambdesque',
      now: 1_795_207_777_000,
      dimensions: { system: 's', consumer: 'default', queue: 'mail' },
      values: { processed: 3, duration: { Values: [1.5, 20], Counts: [2, 1] } },
      fields: { requestId: 'r' },
    });
    expect(line).not.toContain('\n');
    expect(JSON.parse(line)).toEqual({
      _aws: {
        Timestamp: 1_795_207_777_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Lambdesque',
            Dimensions: [['system', 'consumer', 'queue']],
            Metrics: [
              { Name: 'Processed', Unit: 'Count' },
              { Name: 'Duration', Unit: 'Milliseconds' },
            ],
          },
        ],
      },
      requestId: 'r',
      system: 's',
      consumer: 'default',
      queue: 'mail',
      Processed: 3,
      Duration: { Values: [1.5, 20], Counts: [2, 1] },
    });
  });

  test('has a second set of dimensions with a class, and that of the system alone without any', () => {
    const setsOf = (dimensions: object, values: object) => {
      const line = JSON.parse(emfLine({ namespace: 'N', now: 0, dimensions, values }));
      return line._aws.CloudWatchMetrics.map((one: { Dimensions: unknown }) => one.Dimensions);
    };
    expect(setsOf({ system: 's', consumer: 'c', queue: 'q', class: 'Hello' }, { processed: 1 })).toEqual([
      [
        ['system', 'consumer', 'queue'],
        ['system', 'consumer', 'queue', 'class'],
      ],
    ]);
    expect(setsOf({ system: 's' }, { ticks: 1, delayed: 0 })).toEqual([[['system']]]);
  });

  test.each([
    ['mail', 'mail'],
    ['', '(empty)'],
    [' ', '(empty)'],
    [':colon', '?colon'],
    ['Zoë\n', 'Zo??'],
    ['x'.repeat(2_000), 'x'.repeat(1_024)],
  ])('takes as a dimension %j', (text, value) => {
    expect(dimensionValue(text)).toBe(value);
  });

  test('has names that CloudWatch knows apart', () => {
    const names = Object.values(metrics).map((one) => one.name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe('a histogram', () => {
  const of = (...values: number[]) => {
    const histogram = new Histogram();
    for (const value of values) histogram.add(value);
    return histogram.toDistribution();
  };
  const sum = ({ Values, Counts }: ReturnType<typeof of>) =>
    Values.reduce((total, value, i) => total + value * (Counts[i] ?? 0), 0);

  test('keeps equal values as they are', () => {
    expect(of(20, 20, 20, 0, 0)).toEqual({ Values: [0, 20], Counts: [2, 3] });
  });

  test('keeps sum and count of any number of values in a hundred classes, each value within a tenth or so', () => {
    const values = Array.from({ length: 50_000 }, () => Math.exp(Math.random() * 17));
    const distribution = of(...values);
    expect(distribution.Values.length).toBeLessThanOrEqual(100);
    expect(distribution.Counts.reduce((total, count) => total + count, 0)).toBe(50_000);
    expect(sum(distribution)).toBeCloseTo(
      values.reduce((total, value) => total + value, 0),
      -4,
    );
    const sorted = [...distribution.Values].sort((a, b) => a - b);
    expect(distribution.Values).toEqual(sorted);
  });

  test('takes times of months', () => {
    expect(of(1, 1e10, 2e10)).toEqual({ Values: [1, 1.5e10], Counts: [1, 2] });
  });
});

describe('the metrics of runs', () => {
  function start(byClass = false) {
    const clock = new ManualClock();
    const lines: Record<string, unknown>[] = [];
    const print = (line: string) => void lines.push(JSON.parse(line));
    return {
      clock,
      lines,
      metrics: new RunMetrics({
        namespace: 'N',
        system: 's',
        consumer: 'c',
        byClass,
        clock,
        wallTime: () => clock.now(),
        print,
      }),
    };
  }
  const run = (given: Partial<RunReport> = {}) =>
    ({ class: 'Hello', queue: 'q', id: 'i', attempt: 1, outcome: 'succeeded', ms: 5, ...given }) as RunReport;

  test('are one line for each queue, however many runs', () => {
    const { lines, metrics: runs } = start();
    for (let i = 0; i < 5_000; i++) runs.record(run({ ms: i % 7, waitMs: i }));
    runs.record(run({ outcome: 'retried' }));
    runs.record(run({ outcome: 'failed', class: 'Other' }));
    runs.record(run({ outcome: 'discarded' }));
    runs.record(run({ outcome: 'released' }));
    runs.record(run({ queue: 'r' }));
    expect(lines).toEqual([]);
    runs.flush();
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatchObject({
      system: 's',
      consumer: 'c',
      queue: 'q',
      Processed: 5_003,
      Succeeded: 5_000,
      Retried: 1,
      Failed: 1,
    });
    expect(lines[1]).toMatchObject({ consumer: 'c', queue: 'r', Processed: 1 });
    expect(lines[1]).not.toHaveProperty('QueueWait');
    runs.flush();
    expect(lines).toHaveLength(2);
  });

  test('are printed every ten seconds, since CloudWatch counts them for the minute of the line', async () => {
    const { clock, lines, metrics: runs } = start();
    runs.record(run());
    await clock.advance(9_999);
    runs.record(run());
    expect(lines).toHaveLength(0);
    await clock.advance(1);
    runs.record(run());
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ Processed: 3 });
  });

  test('have a line for each class only if asked', () => {
    const { lines, metrics: runs } = start(true);
    for (const name of ['A', 'B', 'A']) runs.record(run({ class: name }));
    const { class: _, ...unreadable } = run({ outcome: 'failed' });
    runs.record(unreadable);
    runs.flush();
    expect(lines.map((line) => [line['class'], line['Processed']])).toEqual([
      ['A', 2],
      ['B', 1],
      ['(empty)', 1],
    ]);
  });

  test('count the wait of first attempts only', () => {
    const { lines, metrics: runs } = start();
    runs.record(run({ attempt: 2, waitMs: 900_000 }));
    runs.record(run({ waitMs: 10 }));
    runs.flush();
    expect(lines[0]).toMatchObject({ QueueWait: { Values: [10], Counts: [1] } });
  });

  test('do not grow with the number of queues', () => {
    const { lines, metrics: runs } = start();
    for (let i = 0; i < 250; i++) runs.record(run({ queue: `q${i}` }));
    expect(lines).toHaveLength(200);
  });
});
