import { ConfigError } from './errors.ts';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

/** A length of time: a number of milliseconds, or text with units: `'500ms'`, `'30s'`, `'1h30m'`, `'1.5h'`, `'2d'`, `'1w'`. */
export type Duration = number | `${number}${Unit}${string}`;

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `'500ms'`, `'30s'`, `'1h30m'`; undefined for any other text. The one grammar of durations. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:(?:\d+(?:\.\d+)?|\.\d+)(?:ms|[smhdw]))+$/.test(text)) return undefined;
  let ms = 0;
  for (const [, number, unit] of text.matchAll(/([\d.]+)(ms|[smhdw])/g)) {
    ms += Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  }
  return Number.isFinite(ms) ? ms : undefined;
}

/** What a number without a unit means. */
const NUMBERS = {
  /** In TypeScript. */
  milliseconds: 1,
  /** On the command line, and in Resque's own formats. */
  seconds: 1_000,
} as const;

export interface DurationRule {
  /** What a number without a unit means. @default 'milliseconds' */
  readonly numbers?: keyof typeof NUMBERS;
  /** Milliseconds. @default 0 */
  readonly least?: number;
  /** May it be `Infinity`, for no limit? @default false */
  readonly endless?: boolean;
}

/**
 * Milliseconds of a duration, checked.
 * @param field what to call it in messages
 * @throws ConfigError with the value got and what is allowed
 */
export function durationMs(value: unknown, field: string, rule: DurationRule = {}): number {
  const { numbers = 'milliseconds', least = 0, endless = false } = rule;
  const ms =
    typeof value === 'string' ? parseDuration(value) : typeof value === 'number' ? value * NUMBERS[numbers] : undefined;
  if (ms !== undefined && ms >= least && (Number.isFinite(ms) || endless)) return ms;
  const from = least === 0 ? '' : ` of ${least >= 1_000 ? `${least / 1_000}s` : `${least}ms`} or more`;
  throw new ConfigError(
    `${field} must be a duration${from}: a number of ${numbers}, or text such as '500ms', '30s', '1h30m', '2d'` +
      `${endless ? ', or Infinity' : ''}; got ${typeof value === 'string' ? JSON.stringify(value) : String(value)}.`,
  );
}
