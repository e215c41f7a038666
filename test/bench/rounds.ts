/** One of those that take turns. */
export interface Entrant {
  /** @returns its figure: a rate, a time */
  run(): Promise<number>;
  /** In its stead where that takes long: to warm up. @default run */
  warmUp?(): Promise<unknown>;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface RoundsOptions {
  readonly quick: boolean;
  /** @default 5, quick 1 */
  readonly runs?: number;
  /** @default 1, quick 0 */
  readonly warmUps?: number;
}

/** Runs that count. */
const RUNS = 5;

/** A B C, A B C, …: what else the machine does meets all alike. The first rounds warm up. */
export async function rounds<E extends Entrant>(
  entrants: readonly E[],
  { quick, runs = quick ? 1 : RUNS, warmUps = quick ? 0 : 1 }: RoundsOptions,
): Promise<(E & Spread)[]> {
  const figures = new Map(entrants.map((one) => [one, [] as number[]]));
  for (let round = 0; round < warmUps + runs; round++) {
    for (const [entrant, own] of figures) {
      if (round < warmUps) await (entrant.warmUp?.() ?? entrant.run());
      else own.push(await entrant.run());
    }
  }
  return [...figures].map(([entrant, own]) => ({ ...entrant, ...spread(own) }));
}

/** @param figures at least one */
export function spread(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (i: number) => sorted[i] ?? Number.NaN;
  return { median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2, min: at(0), max: at(sorted.length - 1) };
}

/** A column for the spread. */
export function range({ min, max }: Spread, digits = 0): string {
  const text = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: digits });
  return `${text(min)} – ${text(max)}`;
}
