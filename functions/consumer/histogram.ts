import type { Distribution } from '../aws/embedded-metrics.ts';

/** CloudWatch's limit for one metric of one line. */
const MOST_VALUES = 100;
/** With 100 classes that reaches from 1 ms to 16 hours; longer times share the last class. */
const BASE = 1.2;

/**
 * How long things took, in little memory: values fall into classes, each a fifth wider than the one before, and count
 * there. A class stands for the mean of its values, so sums and averages are exact, and percentiles to a tenth or so.
 */
export class Histogram {
  readonly #classes = new Map<number, { count: number; mean: number }>();

  /** @param value 0 or more */
  add(value: number): void {
    const index = value < 1 ? -1 : Math.min(MOST_VALUES - 2, Math.floor(Math.log(value) / Math.log(BASE)));
    const found = this.#classes.get(index);
    if (found) found.mean += (value - found.mean) / ++found.count;
    else this.#classes.set(index, { count: 1, mean: value });
  }

  get size(): number {
    return this.#classes.size;
  }

  toDistribution(): Distribution {
    const classes = [...this.#classes].sort(([a], [b]) => a - b).map(([, one]) => one);
    return {
      Values: classes.map((one) => Math.round(one.mean * 1000) / 1000),
      Counts: classes.map((one) => one.count),
    };
  }
}
