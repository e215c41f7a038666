import { ConfigError } from './errors.ts';
import { shown } from './options.ts';

type Unit = 'ms' | 's' | 'm' | 'h' | 'd' | 'w';

/** A length of time: a number of milliseconds, or text with units: `'500ms'`, `'30s'`, `'1h30m'`, `'1.5h'`, `'2d'`, `'1w'`. */
export type Duration = number | `${number}${Unit}${string}`;

const UNIT_MS: Readonly<Record<Unit, number>> = {
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
    ms += Number(number) * UNIT_MS[unit as Unit];
  }
  return Number.isFinite(ms) ? ms : undefined;
}

/** As people give it: `1h` rather than `3600s`; no weeks. */
export function wholeUnits(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((one) => ms % UNIT_MS[one] === 0) ?? 'ms';
  return `${ms / UNIT_MS[unit]}${unit}`;
}

/** Units of times that are shown to people, the largest first: ms, and their short names. */
export const SHOWN_UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const;

/** A duration as messages show it: in seconds where these are whole. */
export function shownDuration(ms: number): string {
  return ms > 0 && ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** What a number without a unit means. */
const NUMBERS = {
  /** In TypeScript. */
  milliseconds: 1,
  /** On the command line, and in Resque's own formats. */
  seconds: 1_000,
  /** In TypeScript, of what stands in one of Resque's formats elsewhere: either unit could be meant. */
  refused: Number.NaN,
} as const;

/** A date that is later than JavaScript's calendar, and a number that Redis takes for none, come of what is longer. */
const LONGEST_MS = 8_640_000_000_000_000;

export interface DurationRule {
  /** What a number without a unit means. @default 'milliseconds' */
  readonly numbers?: keyof typeof NUMBERS;
  /** Milliseconds. @default 0 */
  readonly least?: number;
  /** A number above 0 and below 1,000 needs a unit: where less than a second makes no sense for most, it was meant as seconds. @default false */
  readonly refuseSmall?: boolean;
  /** May it be `Infinity`, for no limit? @default false */
  readonly endless?: boolean;
  /** What else is allowed there, for messages. */
  readonly also?: string;
}

/**
 * Milliseconds of a duration, checked.
 * @param field what to call it in messages
 * @throws ConfigError with the value got and what is allowed
 */
export function durationMs(value: unknown, field: string, rule: DurationRule = {}): number {
  const { numbers = 'milliseconds', least = 0, refuseSmall = false, endless = false } = rule;
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) {
    if (numbers === 'refused') {
      throw new ConfigError(`${field} must be a duration with a unit; got ${value}. Write '${value}s' for seconds.`);
    }
    if (refuseSmall && value < 1_000) {
      throw new ConfigError(
        `${field} must be a duration, and a number without a unit is milliseconds; got ${value}. ` +
          `Write '${value}s' for seconds, or '${value}ms' if that is meant.`,
      );
    }
  }
  const ms =
    typeof value === 'string' ? parseDuration(value) : typeof value === 'number' ? value * NUMBERS[numbers] : undefined;
  if (ms !== undefined && ms >= least && (ms <= LONGEST_MS || (endless && ms === Infinity))) return ms;
  const isTooLong = ms !== undefined && ms > LONGEST_MS && ms !== Infinity;
  const from = isTooLong ? ' of 100000000d or less' : least > 0 ? ` of ${shownDuration(least)} or more` : '';
  const forms = [
    ...(numbers === 'refused' ? [] : [`a number of ${numbers}`]),
    `text such as ${least < 1_000 ? "'500ms', " : ''}'30s', '1h30m', '2d'`,
    ...(endless ? ['Infinity'] : []),
    ...(rule.also === undefined ? [] : [rule.also]),
  ];
  const last = forms.length > 1 ? `, or ${forms.pop()}` : '';
  throw new ConfigError(`${field} must be a duration${from}: ${forms.join(', ')}${last}; got ${shown(value)}.`);
}
