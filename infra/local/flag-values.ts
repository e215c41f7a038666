import { InvalidArgumentError } from 'commander';
import { parseDuration, shownDuration } from '../../shared/internal.ts';
import type { ClassFlag } from './cost/workloads.ts';
import { type MetricsAddress, metricsAddress } from './metrics/address.ts';

/**
 * A flag that is a duration of `least` ms or more, in milliseconds: `500ms`, `30s`, `1h30m`; a number alone is seconds, as
 * goworker's flags have it.
 */
export function duration(least = 0): (text: string) => number {
  return (text) => {
    const ms = parseDuration(/^[\d.]+$/.test(text) ? `${text}s` : text);
    if (ms === undefined) {
      throw new InvalidArgumentError('Allowed: a number of seconds, or text with units: 500ms, 30s, 1h30m, 2d.');
    }
    if (ms < least) throw new InvalidArgumentError(`Allowed: ${shownDuration(least)} or more.`);
    return ms;
  };
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1) throw new InvalidArgumentError('Allowed: a whole number, 1 or more.');
  return number;
}

/** Of how many there are: `1000000`, `1e6`, `0.5`. */
export function amount(text: string): number {
  const number = Number(text);
  if (!/^[\d.]+(e\d+)?$/i.test(text) || !Number.isFinite(number)) {
    throw new InvalidArgumentError('Allowed: a number, 0 or more, such as 1000000 or 1e6.');
  }
  return number;
}

/** Milliseconds: a number alone is one of them, since what is asked for is `--ms`. */
export function milliseconds(text: string): number {
  const ms = /^[\d.]+$/.test(text) ? Number(text) : parseDuration(text);
  if (ms === undefined || Number.isNaN(ms)) {
    throw new InvalidArgumentError('Allowed: milliseconds, or text with units: 50, 500ms, 2s, 1m.');
  }
  return ms;
}

/** `Report`, `Report=1e5` or `Report=1e5,200`; given again, one more. */
export function jobClass(text: string, before: readonly ClassFlag[] = []): readonly ClassFlag[] {
  const [, name = '', jobs, ms] = /^([^=]+)(?:=([^,]+)(?:,(.+))?)?$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Allowed: a class, its jobs a day, their ms: Report=1e5,200.');
  const numbers = {
    ...(jobs === undefined ? {} : { jobsPerDay: amount(jobs) }),
    ...(ms === undefined ? {} : { ms: milliseconds(ms) }),
  };
  return [...before, { name, ...numbers }];
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

/** `:9464`, `127.0.0.1:9464`. */
export function address(text: string): MetricsAddress {
  const found = metricsAddress(text);
  if (found) return found;
  throw new InvalidArgumentError('Allowed: a port, with or without an address: :9464, 127.0.0.1:9464, [::1]:9464.');
}

/** A time: ISO 8601 with its zone, or how long ago, ms. */
export type TimeOrAge = Date | number;

export function timeOrAge(text: string): TimeOrAge {
  return /^\d{4}-/.test(text) ? isoTime(text) : duration()(text);
}

/** @param now Redis's, epoch ms */
export function timeOf(given: TimeOrAge | undefined, now: number): Date | undefined {
  return typeof given === 'number' ? new Date(now - given) : given;
}
