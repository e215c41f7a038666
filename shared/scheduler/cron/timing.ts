import { Cron } from 'croner';
import { ConfigError } from '../../errors.ts';
import { type LocalDay, rubyExpression } from './ruby-expression.ts';

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
export function everyTiming(interval: number, first: FirstTime = {}): Timing {
  const isFirst = first.at !== undefined || first.in !== undefined;
  const slotBefore = (time: number, since: number) => {
    const anchor = first.at ?? (first.in === undefined ? 0 : since + first.in);
    const count = Math.floor((time - anchor) / interval);
    return { slot: anchor + count * interval, first: isFirst ? anchor : -Infinity };
  };
  return {
    fingerprint: `every ${interval}${shownFirst(first)}`,
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
  const ruby = rubyExpression(expression);
  const cron = parse(ruby.expression, timeZone, field, expression);
  const runs = remembered(ruby.isDay ? onDays(cron, ruby.isDay, timeZone) : runsOf(cron));
  return {
    fingerprint: `cron ${expression} ${timeZone}`,
    next: runs.after,
    latest(time, since) {
      const slot = runs.upTo(time);
      return slot !== undefined && slot > since ? slot : undefined;
    },
  };
}

/** The runs of an expression, epoch ms. */
interface Runs {
  after(time: number): number | undefined;
  upTo(time: number): number | undefined;
}

function runsOf(cron: Cron): Runs {
  return {
    after: (time) => cron.nextRun(new Date(time))?.getTime(),
    // croner looks strictly before its reference, at whole seconds.
    upTo: (time) => cron.previousRuns(1, new Date(Math.floor(time / 1000) * 1000 + 1000))[0]?.getTime(),
  };
}

/**
 * The same, of which the neighbours of a time are worked out once: each tick asks again, and between two runs nothing
 * changes.
 */
export function remembered(runs: Runs): Runs {
  /** Since a time, this is the next one. */
  let next: { readonly since: number; readonly slot: number | undefined } | undefined;
  /** At a time, this was the last one. */
  let last: { readonly at: number; readonly slot: number | undefined } | undefined;

  function after(time: number): number | undefined {
    if (!next || time < next.since || time >= (next.slot ?? Infinity)) next = { since: time, slot: runs.after(time) };
    return next.slot;
  }
  return {
    after,
    upTo(time) {
      const isLast = last && time >= last.at && (time === last.at || time < (after(last.at) ?? Infinity));
      if (!last || !isLast) last = { at: time, slot: runs.upTo(time) };
      return last.slot;
    },
  };
}

/** A day that counts comes within so many: February 29 that is some weekday comes each 40 years. */
const MOST_DAYS = 15_000;

/** Only those on such days. */
function onDays(cron: Cron, isDay: (day: LocalDay) => boolean, timeZone: string): Runs {
  const all = runsOf(cron);
  const midnights = runsOf(new Cron('0 0 0 * * *', { timezone: timeZone, paused: true }));
  const format = new Intl.DateTimeFormat('en', { timeZone, year: 'numeric', month: 'numeric', day: 'numeric' });
  const isOn = (time: number) => {
    const parts = new Map(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
    return isDay({ year: parts.get('year') ?? 0, month: parts.get('month') ?? 0, day: parts.get('day') ?? 0 });
  };
  return {
    after(time) {
      let slot = all.after(time);
      for (let days = 0; slot !== undefined && days < MOST_DAYS; days++) {
        if (isOn(slot)) return slot;
        const midnight = midnights.after(slot);
        slot = midnight === undefined ? undefined : all.after(midnight - 1);
      }
      return undefined;
    },
    upTo(time) {
      let slot = all.upTo(time);
      for (let days = 0; slot !== undefined && days < MOST_DAYS; days++) {
        if (isOn(slot)) return slot;
        const midnight = midnights.upTo(slot);
        slot = midnight === undefined ? undefined : all.upTo(midnight - 1);
      }
      return undefined;
    },
  };
}

/**
 * The same from a first slot on, which is due whatever the timing says, as in Ruby's rufus-scheduler.
 * @param first its time, epoch ms, or in how many ms it comes after the entry was first seen
 */
export function startingAt(timing: Timing, first: FirstTime): Timing {
  if (first.at === undefined && first.in === undefined) return timing;
  const firstOf = (since: number) => first.at ?? since + (first.in ?? 0);
  return {
    fingerprint: `${timing.fingerprint}${shownFirst(first)}`,
    ...(first.at === undefined ? {} : { firstAt: first.at }),
    next(time, since) {
      const earliest = firstOf(since);
      return time < earliest ? earliest : timing.next(time, since);
    },
    latest(time, since) {
      const earliest = firstOf(since);
      if (time < earliest) return undefined;
      return timing.latest(time, Math.max(since, earliest)) ?? (earliest > since ? earliest : undefined);
    },
  };
}

interface FirstTime {
  readonly in?: number;
  readonly at?: number;
}

function shownFirst(first: FirstTime): string {
  return first.at !== undefined ? ` first at ${first.at}` : first.in !== undefined ? ` first in ${first.in}` : '';
}

/** @param given what the user wrote */
function parse(expression: string, timeZone: string, field: string, given: string): Cron {
  try {
    // Lists and ranges of times are fixed times too, as Vixie cron has it; only * and steps are intervals.
    return new Cron(expression, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, '');
    throw new ConfigError(
      `${field} must be a cron expression of 5 fields, or 6 with seconds first, a name such as @daily, or "@every 30s"; got ${JSON.stringify(given)} (${reason}).`,
    );
  }
}

/** Those that were asked for: to make a format takes half of what an entry takes. */
const timeZones = new Set<string>();

/** Is it the name of a time zone? */
export function isTimeZone(name: string): boolean {
  if (timeZones.has(name)) return true;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    timeZones.add(name);
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
