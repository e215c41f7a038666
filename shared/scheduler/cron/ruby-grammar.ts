import { isTimeZone } from './timing.ts';

/*
 * What Ruby's resque-scheduler takes: fugit's grammar of cron expressions, as of 1.5.2. Later versions take some more, such
 * as blanks around an expression and a time zone behind a name; whoever runs an older one would lose its scheduler.
 */

/** Behind blanks, and not the name of a weekday. */
const ENDS_IN_ZONE = /^(.*?) +((?!(?:SUN|MON|TUE|WED|THU|FRI|SAT)(?![a-z]))[A-Z][a-zA-Z]\S*|[-+]\d\S*)$/i;

/** Names that stand for an expression. */
const NAMES = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@noon', '@hourly']);

const MONTH = '(?:1[0-2]|0?[1-9]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)';
const WEEKDAY = '(?:[0-7]|sun|mon|tue|wed|thu|fri|sat)';

/** The values of each field, and what only it may have. */
const FIELDS = {
  second: fieldOf('[0-5]?\\d'),
  minute: fieldOf('[0-5]?\\d'),
  hour: fieldOf('(?:2[0-4]|[01]?\\d)'),
  'day of the month': fieldOf('(?:-?(?:3[01]|[12]\\d|0?[1-9])|last|l)'),
  month: fieldOf(MONTH),
  'day of the week': fieldOf(WEEKDAY, `${WEEKDAY}#(?:-?[1-5]|last|l)`, `${WEEKDAY}%\\d+(?:\\+\\d+)?`),
} as const;

/** A field: elements with commas between them, each *, a value or a range, perhaps with a step from 1 to 99. */
function fieldOf(value: string, ...more: readonly string[]): RegExp {
  const step = '/(?!0+(?!\\d))\\d\\d?';
  const element = [...more, step, `(?:\\*|${value}(?:-${value})?)(?:${step})?`].join('|');
  return new RegExp(`^(?:${element})(?:,(?:${element}))*$`, 'i');
}

const ZONE = /^(?:[A-Z][a-zA-Z0-9+-]+(?:\/[A-Z][a-zA-Z0-9+_-]+){0,2}|[-+](?:[01]\d|2[0-4]):?(?:00|15|30|45))$/;

/**
 * Why Ruby's scheduler would end at this expression, and could not start again; undefined if it takes it.
 * @param cron as it stands in `persistent_schedules`: with its time zone at the end
 */
export function rubyRefusesCron(cron: string): string | undefined {
  if (cron !== cron.trim()) return 'it has blanks around it';
  if (cron.startsWith('@')) {
    if (NAMES.has(cron)) return undefined;
    const [name = ''] = cron.split(/\s/);
    return NAMES.has(name)
      ? `a time zone behind ${name} is unknown there; write the fields, such as "0 0 * * * Europe/Paris"`
      : `${JSON.stringify(name)} is unknown there`;
  }
  const [, fields = '', zone] = ENDS_IN_ZONE.exec(cron) ?? [undefined, cron];
  if (zone !== undefined && !isRubyZone(zone)) return `the time zone ${JSON.stringify(zone)} is unknown there`;
  const values = fields.split(/[ \t]+/);
  const names = Object.keys(FIELDS) as (keyof typeof FIELDS)[];
  const wanted = values.length === 6 ? names : names.slice(1);
  if (values.length !== wanted.length) return 'it must have 5 fields, or 6 with seconds first';
  for (const [i, name] of wanted.entries()) {
    const value = values[i] ?? '';
    if (!FIELDS[name].test(value)) return `its ${name}, ${JSON.stringify(value)}, is written in a way unknown there`;
  }
  const [days = '', months = ''] = values.slice(-3);
  if (/(?:^|,)(?:-\d+|l|last)-\d/i.test(days))
    return `a range of days from the end to the beginning is unknown there; the last but one is "-2"`;
  const weekdays = new Map<string, string>();
  for (const [, day = '', sign = ''] of (values.at(-1) ?? '').matchAll(/(\w+)([#%])/g)) {
    const name = String(WEEKDAYS.indexOf(day.toLowerCase()) + 1 || (Number(day) % 7) + 1);
    if ((weekdays.get(name) ?? sign) !== sign) return `one weekday with # and with % is unknown there`;
    weekdays.set(name, sign);
  }
  if (!hasADay(days, months)) return `no month of ${JSON.stringify(months)} has a day of ${JSON.stringify(days)}`;
  return undefined;
}

/** In Ruby, upper and lower case make a difference in names of time zones. */
function isRubyZone(zone: string): boolean {
  if (!ZONE.test(zone) || !isTimeZone(zone)) return false;
  const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions();
  return timeZone === zone || timeZone.toLowerCase() !== zone.toLowerCase();
}

const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Ruby wants such a day also where a day of the week is given beside it. */
function hasADay(days: string, months: string): boolean {
  if (!/^[\d,]+$/.test(days) || /[*/-]/.test(months)) return true;
  const lengths = months.split(',').map((month) => {
    const index = MONTHS.indexOf(month.toLowerCase());
    return LONGEST[index === -1 ? Number(month) - 1 : index] ?? 0;
  });
  return days.split(',').some((day) => lengths.some((length) => Number(day) <= length));
}

/** Why Ruby's scheduler would end at this interval; undefined if it takes it. @param text of an interval that we take */
export function rubyRefusesInterval(text: string): string | undefined {
  return /ms/.test(text) ? 'milliseconds are unknown there; write seconds, such as "1.5s"' : undefined;
}
