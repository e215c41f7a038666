import { Cron } from 'croner';
import { ConfigError } from '../../errors.ts';

/** When a cron entry is due: a strictly rising sequence of epoch ms. */
export interface Timing {
  /** Tells one timing from another: the same text means the same slots. */
  readonly fingerprint: string;
  /** When the first slot is, where the entry says so, epoch ms. */
  readonly firstAt?: number;
  /** The first slot after `time`; undefined if there is none. @param since when this timing was first seen */
  next(time: number, since: number): number | undefined;
  /** The last slot at or before `time`; undefined if there is none after `since`. */
  latest(time: number, since: number): number | undefined;
}

/**
 * Every `interval` ms. The phase hangs on the epoch, so that it stays the same through deploys and for every scheduler;
 * with a first slot it hangs on that.
 * @param first its time, epoch ms, or in how many ms it comes after the entry was first seen
 */
export function everyTiming(interval: number, first: { readonly in?: number; readonly at?: number } = {}): Timing {
  const isFirst = first.at !== undefined || first.in !== undefined;
  const slotBefore = (time: number, since: number) => {
    const anchor = first.at ?? (first.in === undefined ? 0 : since + first.in);
    const count = Math.floor((time - anchor) / interval);
    return { slot: anchor + count * interval, first: isFirst ? anchor : -Infinity };
  };
  const text = first.at !== undefined ? ` first at ${first.at}` : isFirst ? ` first in ${first.in}` : '';
  return {
    fingerprint: `every ${interval}${text}`,
    ...(first.at === undefined ? {} : { firstAt: first.at }),
    next(time, since) {
      const { slot, first: earliest } = slotBefore(time, since);
      return Math.max(slot + interval, earliest);
    },
    latest(time, since) {
      const { slot, first: earliest } = slotBefore(time, since);
      return slot >= earliest && slot > since ? slot : undefined;
    },
  };
}

/**
 * A cron expression in a time zone. On days with 23 or 25 hours a fixed time that does not exist comes at the next valid
 * one, and one that exists twice comes once; expressions that step through the hours come in both.
 * @param expression 5 fields, 6 with seconds first, or a name such as `@daily`
 * @throws ConfigError
 */
export function cronTiming(expression: string, timeZone: string, field: string): Timing {
  checkTimeZone(timeZone, field);
  const cron = parse(expression, timeZone, field);
  return {
    fingerprint: `cron ${expression} ${timeZone}`,
    next: (time) => cron.nextRun(new Date(time))?.getTime(),
    latest(time, since) {
      // croner looks strictly before its reference, at whole seconds.
      const [slot] = cron.previousRuns(1, new Date(Math.floor(time / 1000) * 1000 + 1000));
      return slot && slot.getTime() > since ? slot.getTime() : undefined;
    },
  };
}

function parse(expression: string, timeZone: string, field: string): Cron {
  try {
    // Lists and ranges of times are fixed times too, as Vixie cron has it; only * and steps are intervals.
    return new Cron(expression, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '');
    throw new ConfigError(
      `${field} must be a cron expression of 5 fields, or 6 with seconds first, a name such as @daily, or "@every 30s"; got ${JSON.stringify(expression)} (${reason}).`,
    );
  }
}

/** Is it the name of a time zone? */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function checkTimeZone(name: string, field: string): void {
  if (!isTimeZone(name)) {
    throw new ConfigError(
      `${field.replace(/\w+$/, 'timeZone')} must be an IANA time zone, such as "Europe/Paris" or "UTC"; got ${JSON.stringify(name)}.`,
    );
  }
}
