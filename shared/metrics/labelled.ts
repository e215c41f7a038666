import { type Labels, numberText, type Sample } from './exposition.ts';

/** Sets of labels that one metric has at the most: each is a series that Prometheus keeps. */
const MOST_SETS = 1_000;
/** What the values of labels are called of what comes on top. */
const OTHER = '(other)';

/** Values by their labels. */
class Labelled<Value> {
  readonly #values = new Map<string, { readonly labels: Labels; readonly value: Value }>();
  readonly #make: () => Value;

  constructor(make: () => Value) {
    this.#make = make;
  }

  of(labels: Labels): Value {
    const key = JSON.stringify(Object.values(labels));
    const known = this.#values.get(key);
    if (known) return known.value;
    if (this.#values.size >= MOST_SETS) {
      const other = Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]));
      if (JSON.stringify(Object.values(other)) !== key) return this.of(other);
    }
    const value = this.#make();
    this.#values.set(key, { labels, value });
    return value;
  }

  entries(): Iterable<{ readonly labels: Labels; readonly value: Value }> {
    return this.#values.values();
  }
}

/** What only grows, by labels. */
export class Counter {
  readonly #counts = new Labelled(() => ({ count: 0 }));

  add(labels: Labels, by = 1): void {
    this.#counts.of(labels).count += by;
  }

  samples(): Sample[] {
    return [...this.#counts.entries()].map(({ labels, value }) => ({ labels, value: value.count }));
  }
}

/** How often a value was how large, by labels. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #rows: Labelled<{ readonly counts: number[]; sum: number }>;

  /** @param bounds upper ends of the buckets, ascending; one without an end follows */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#rows = new Labelled(() => ({ counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }));
  }

  observe(labels: Labels, value: number): void {
    const row = this.#rows.of(labels);
    row.sum += value;
    const found = this.#bounds.findIndex((bound) => value <= bound);
    const at = found === -1 ? this.#bounds.length : found;
    row.counts[at] = (row.counts[at] ?? 0) + 1;
  }

  samples(): Sample[] {
    return [...this.#rows.entries()].flatMap(({ labels, value: { counts, sum } }) =>
      histogramSamples(labels, this.#bounds, counts, sum),
    );
  }
}

/**
 * One series of a histogram.
 * @param bounds upper ends of the buckets, ascending
 * @param counts of each bucket, and of one without an end
 */
export function histogramSamples(
  labels: Labels,
  bounds: readonly number[],
  counts: readonly number[],
  sum: number,
): Sample[] {
  let count = 0;
  const buckets = counts.map((one, i): Sample => {
    count += one;
    const le = numberText(bounds[i] ?? Infinity);
    return { suffix: '_bucket', labels: { ...labels, le }, value: count };
  });
  return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: count }];
}
