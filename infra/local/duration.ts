import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `5`, `5.0` and `5s` are five seconds (goworker's flags have no unit), `500ms`, `2m`, `1h`, `1d`. @returns milliseconds */
export function duration(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = UNITS[unit];
  if (number === undefined || factor === undefined) {
    throw new InvalidArgumentError('Allowed: a number of seconds, or a number with a unit: 500ms, 30s, 2m, 1h, 1d.');
  }
  return Number(number) * factor;
}

/** A duration of `least` ms or more. */
export function durationFrom(least: number): (text: string) => number {
  return (text) => {
    const ms = duration(text);
    if (ms < least)
      throw new InvalidArgumentError(`Allowed: ${least >= 1000 ? `${least / 1000}s` : `${least}ms`} or more.`);
    return ms;
  };
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1) throw new InvalidArgumentError('Allowed: a whole number, 1 or more.');
  return number;
}

/** An ISO 8601 time with its zone: `2026-12-01T09:00:00Z`. */
export function isoTime(text: string): Date {
  const time = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/.test(text) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError(
      'Allowed: a date and time with its zone, such as 2026-12-01T09:00:00Z or 2026-12-01T10:00+01:00.',
    );
  }
  return time;
}
