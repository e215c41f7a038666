import { lambdaSecond, pushes } from '../contract/prices.ts';
import type { StatSeries } from './inspector.ts';
import type { Prices } from './options.ts';

/** What one class has cost. */
export interface ClassCost {
  readonly class: string;
  readonly runs: number;
  /** All runs together. */
  readonly ms: number;
  /** Of all handlers' time, 0 to 1. */
  readonly share: number;
  /** USD: as if each run had a function for itself. */
  readonly lambda: number;
  /** USD: its share of what Lambda was said to cost; undefined where nobody has said. */
  readonly billed: number | undefined;
  /** USD: the two commands of each push. */
  readonly redis: number;
}

interface Costs {
  readonly classes: readonly ClassCost[];
  readonly sum: Omit<ClassCost, 'class'>;
}

/**
 * What each class cost, the dearest first.
 * @param series by class, of the days that count
 * @param bill what Lambda cost in that time, USD, to be shared out
 */
export function costsOf(series: readonly StatSeries[], prices: Prices, bill?: number): Costs {
  const rows = series.map(({ name, points }) => ({
    class: name ?? '(unknown)',
    runs: points.reduce((sum, point) => sum + point.processed, 0),
    ms: points.reduce((sum, point) => sum + point.ms, 0),
    retried: points.reduce((sum, point) => sum + point.retried, 0),
  }));
  const all = rows.reduce((sum, row) => sum + row.ms, 0);
  const classes = rows
    .filter(({ runs }) => runs > 0)
    .map(({ retried, ...row }): ClassCost => {
      const share = all === 0 ? 0 : row.ms / all;
      return {
        ...row,
        share,
        lambda: (row.ms / 1000) * lambdaSecond(prices.memory, prices.gbSecond),
        billed: bill === undefined ? undefined : bill * share,
        // A retry is no push.
        redis: pushes(row.runs - retried, prices.commands),
      };
    })
    .sort((a, b) => b.lambda + b.redis - (a.lambda + a.redis) || (a.class < b.class ? -1 : 1));
  const total = (of: (row: ClassCost) => number) => classes.reduce((sum, row) => sum + of(row), 0);
  return {
    classes,
    sum: {
      runs: total((row) => row.runs),
      ms: total((row) => row.ms),
      share: all === 0 ? 0 : 1,
      lambda: total((row) => row.lambda),
      billed: bill,
      redis: total((row) => row.redis),
    },
  };
}
