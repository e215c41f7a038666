/*
 * What Ruby's fugit writes in a cron expression and croner does not know: ranges that go round (`fri-mon`, `22-2`), hour 24,
 * `5/15` and `/10`, steps past the end (a weekday of each `14`), days counted from the end of the month (`-2`), last and every
 * other weekdays (`mon#-1`, `mon%2`), days of which both have to be right (`1-7 * mon&`), `@noon`. As of fugit 1.13: before
 * 1.7, `0/5` was `0` and `%2+1` counted otherwise; before et-orbi 1.4 the weeks of `%` began on Tuesday.
 */

/** A cron expression for croner, and which days count where croner has no word for them. */
interface RubyExpression {
  readonly expression: string;
  readonly isDay?: (day: LocalDay) => boolean;
}

/** A day in the entry's time zone; the month from 1. */
export interface LocalDay {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

const NAMES: Readonly<Record<string, string>> = { '@noon': '0 12 * * *', '@midnight': '0 0 * * *' };
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** The values of a field, and what counts as another. */
interface Field {
  readonly low: number;
  readonly high: number;
  readonly names?: readonly string[];
  /** What comes behind the highest is the lowest again: hour 24, and weekday 7. */
  readonly round?: true;
}
const SECOND: Field = { low: 0, high: 59 };
const HOUR: Field = { low: 0, high: 23, round: true };
const DAY: Field = { low: 1, high: 31 };
const MONTH: Field = { low: 1, high: 12, names: MONTHS };
const WEEKDAY: Field = { low: 0, high: 6, names: WEEKDAYS, round: true };

/** The same expression where croner knows all of it. */
export function rubyExpression(given: string): RubyExpression {
  const expression = NAMES[given] ?? given;
  const parts = expression.split(' ');
  if (expression.startsWith('@') || parts.length < 5 || parts.length > 6) return { expression };
  const [givenDay = '*', month = '*', givenWeekday = '*'] = parts.slice(-3);
  const both = [givenDay, givenWeekday].some((part) => part.endsWith('&'));
  const [day, weekday] = [anyDay(givenDay.replace(/&$/, '')), weekdays(givenWeekday.replace(/&$/, ''))];
  const times = parts.slice(0, -3).map((part, i, all) => translated(part, i === all.length - 1 ? HOUR : SECOND));
  const months = translated(month, MONTH);
  const isSpecial = /(^|[,-])-\d|\bl(ast)?\b/i.test(day) || /[#%]/.test(weekday);
  const rule = isSpecial || both ? dayRule(day, weekday, both) : undefined;
  if (rule) return { expression: [...times, '*', months, '*'].join(' '), isDay: rule };
  return { expression: [...times, translated(day, DAY), months, translated(weekday, WEEKDAY)].join(' ') };
}

/** Days that are all days say nothing: only the weekdays count beside them. */
function anyDay(days: string): string {
  return /(^|,)(\*|(\*|0?1-(31|l|last))?\/0?1|0?1-(31|l|last))(,|$)/i.test(days) ? '*' : days;
}

/** A `*` beside others says nothing, and a step is one only of a range. */
function weekdays(days: string): string {
  const elements = days.split(',').filter((one) => one !== '*');
  return elements.length === 0 ? '*' : elements.map((one) => one.replace(/^(\w+)\/\d+$/, '$1')).join(',');
}

/** The elements that croner does not take become lists; all others stay, since it tells intervals by them. */
function translated(part: string, field: Field): string {
  return part
    .split(',')
    .map((element) => {
      const [, from, to, step, stepAlone] = ELEMENT.exec(element) ?? [];
      const isLong = (one: string) => Number(one) > field.high - field.low;
      if (stepAlone !== undefined) return isLong(stepAlone) ? String(field.low) : `*/${stepAlone}`;
      if (from === undefined) return element;
      const [low, high] = [valueIn(from, field), to === undefined ? undefined : valueIn(to, field)];
      if (low === undefined || (to !== undefined && high === undefined)) return element;
      const goesRound = high !== undefined && (high < low || high > field.high);
      const isPlain = !goesRound && low <= field.high && (step === undefined || (to !== undefined && !isLong(step)));
      // Hour 24, and on from there: no day has such hours.
      const isPast = field === HOUR && low > field.high && step !== undefined;
      return isPlain || isPast ? element : valuesFrom(low, high, step, field).join(',');
    })
    .join(',');
}

/** A value or a range, with a step or without; a step alone. */
const ELEMENT = /^(?:(\w+)(?:-(\w+))?(?:\/(\d+))?|\*?\/(\d+))$/;

function valueIn(text: string, { low, high, names, round }: Field): number | undefined {
  const named = names?.indexOf(text.toLowerCase()) ?? -1;
  const value = named === -1 ? Number(/^\d+$/.test(text) ? text : Number.NaN) : named + low;
  return value >= low && value <= high + (round ? 1 : 0) ? value : undefined;
}

function valuesFrom(from: number, to: number | undefined, step: string | undefined, { low, high }: Field): number[] {
  const count = high - low + 1;
  const last = to === undefined ? (step === undefined ? from : high) : to < from ? to + count : to;
  const values = new Set<number>();
  for (let value = from; value <= last; value += Math.max(1, Number(step ?? 1))) {
    values.add(((value - low) % count) + low);
  }
  return [...values].sort((a, b) => a - b);
}

/** Undefined for what fugit does not take either. */
function dayRule(days: string, weekdays: string, both: boolean): RubyExpression['isDay'] {
  const ofMonth = days === '*' ? [] : days.split(',').map(dayOfMonth);
  const ofWeek = weekdays === '*' ? [] : weekdays.split(',').map(dayOfWeek);
  if ([...ofMonth, ...ofWeek].some((rule) => rule === undefined)) return undefined;
  const isOne = (rules: typeof ofMonth) => (day: LocalDay) => rules.some((rule) => rule?.(day));
  const given = [ofMonth, ofWeek].filter((rules) => rules.length > 0).map(isOne);
  // Either is enough where both are given, as in Vixie cron.
  return (day) => (both ? given.every((rule) => rule(day)) : given.some((rule) => rule(day)));
}

type DayRule = (day: LocalDay) => boolean;

/** A day, counted from the end where it is negative; a range of these; with a step. */
function dayOfMonth(element: string): DayRule | undefined {
  const [, all, first, last, step = '1'] =
    /^(?:(\*)|(-?\d+|l|last)(?:-(-?\d+|l|last))?)(?:\/(\d+))?$/i.exec(element.replace(/^\//, '*/')) ?? [];
  const [from, to] = [all === undefined ? first : '1', all === undefined ? last : '-1'].map((text) =>
    text === undefined ? undefined : /^l/i.test(text) ? -1 : Number(text),
  );
  if (from === undefined || Math.abs(from) > 31 || Math.abs(to ?? 1) > 31 || Number(step) < 1) return undefined;
  // `L-1` is no range, nor is it the last day but one.
  if (from < 0 && to !== undefined && to > 0) return undefined;
  return (local) => {
    const length = daysIn(local);
    const inMonth = (day: number) => (day < 0 ? length + day + 1 : day);
    const low = inMonth(from);
    const high = to === undefined ? (element.includes('/') ? length : low) : inMonth(to);
    const count = high < low ? local.day + (local.day < low ? 31 : 0) : local.day;
    return count >= low && count <= (high < low ? high + 31 : high) && (count - low) % Number(step) === 0;
  };
}

/** `mon#2`, `mon#-1`, `mon#last`: the nth of its month; `mon%2+1`: by the number of its week; else a plain weekday. */
function dayOfWeek(element: string): DayRule | undefined {
  const [, name = '', nth] = /^(\w+)#(-?[1-5]|l|last)$/i.exec(element) ?? [];
  if (nth !== undefined) {
    const weekday = weekdayOf(name);
    const place = /^l/i.test(nth) ? -1 : Number(nth);
    if (weekday === undefined) return undefined;
    return (local) =>
      weekdayIn(local) === weekday &&
      (place > 0 ? Math.ceil(local.day / 7) === place : Math.ceil((daysIn(local) - local.day + 1) / 7) === -place);
  }
  const [, of = '', every, shift = '0'] = /^(\w+)%(\d+)(?:\+(\d+))?$/.exec(element) ?? [];
  if (every !== undefined) {
    const weekday = weekdayOf(of);
    if (weekday === undefined || Number(every) < 1) return undefined;
    return (local) => weekdayIn(local) === weekday && (weekOf(local) - Number(shift)) % Number(every) === 0;
  }
  const [, stepAlone] = /^\*?\/(\d+)$/.exec(element) ?? [];
  if (stepAlone !== undefined)
    return Number(stepAlone) < 1 ? undefined : (local) => weekdayIn(local) % Number(stepAlone) === 0;
  const values = translated(element, WEEKDAY);
  const [, from = '', to = from, step = '1'] = /^(\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(element) ?? [];
  const [low, high] = [valueIn(from, WEEKDAY), valueIn(to, WEEKDAY)];
  if (low === undefined || high === undefined) return undefined;
  const list = new Set(values === element ? valuesFrom(low, high, step, WEEKDAY) : values.split(',').map(Number));
  return (local) => list.has(weekdayIn(local));
}

function weekdayOf(text: string): number | undefined {
  const value = valueIn(text, WEEKDAY);
  return value === 7 ? 0 : value;
}

const DAY_MS = 86_400_000;
const numberOf = ({ year, month, day }: LocalDay) => Date.UTC(year, month - 1, day) / DAY_MS;
const weekdayIn = (local: LocalDay) => (numberOf(local) + 4) % 7;
const daysIn = ({ year, month }: LocalDay) => new Date(Date.UTC(year, month, 0)).getUTCDate();
/** As Ruby's et-orbi counts weeks: the first begins on Monday, 2018-12-31. */
const weekOf = (local: LocalDay) => Math.floor((numberOf(local) - Date.UTC(2018, 11, 31) / DAY_MS) / 7);
