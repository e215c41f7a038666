/** Hours by name, as fugit has them. */
const HOURS = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
];
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

/** So many make up the next larger unit. */
const UNITS = { second: 60, minute: 60, hour: 24 } as const;

/**
 * The cron expression of a schedule in words, such as `every day at five`, `every monday at 9:30`, `every 5 minutes`: the ones
 * that Ruby's fugit knows and a cron expression can say; undefined for any other text.
 */
export function fromWords(text: string): string | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.shift() !== 'every') return undefined;
  const rest = words.join(' ');
  const [, count = '1', unit] = /^(?:(\d{1,2}) )?(second|minute|hour)s?$/.exec(rest) ?? [];
  if (unit !== undefined) return interval(Number(count), unit as keyof typeof UNITS);
  const [, day = '', time = 'midnight'] = /^([a-z]+)(?: at (.+))?$/.exec(rest) ?? [];
  const weekday = weekdayOf(day);
  const hourAndMinute = timeOf(time);
  return weekday && hourAndMinute && `${hourAndMinute.minute} ${hourAndMinute.hour} * * ${weekday}`;
}

function interval(count: number, unit: keyof typeof UNITS): string | undefined {
  // Others would not be as far apart over the end of the larger unit.
  if (count < 1 || UNITS[unit] % count !== 0) return undefined;
  const every = count === 1 ? '*' : `*/${count}`;
  return { second: `${every} * * * * *`, minute: `${every} * * * *`, hour: `0 ${every} * * *` }[unit];
}

function weekdayOf(day: string): string | undefined {
  if (day === 'day') return '*';
  if (day === 'weekday') return '1-5';
  const index = DAYS.findIndex((one) => one === day || one.slice(0, 3) === day);
  return index === -1 ? undefined : String(index);
}

function timeOf(text: string): { hour: number; minute: number } | undefined {
  if (text === 'noon') return { hour: 12, minute: 0 };
  if (text === 'midnight') return { hour: 0, minute: 0 };
  const named = HOURS.indexOf(text);
  if (named !== -1) return { hour: named, minute: 0 };
  const [, hours, minutes = '0', half] = /^(\d{1,2})(?::(\d\d))? ?(am|pm)?$/.exec(text) ?? [];
  if (hours === undefined) return undefined;
  const [given, minute] = [Number(hours), Number(minutes)];
  if (minute > 59 || given > (half ? 12 : 23) || (half && given < 1)) return undefined;
  return { hour: half ? (given % 12) + (half === 'pm' ? 12 : 0) : given, minute };
}
