/** Hours ahead of UTC, of zones that no parser knows and whose names mean one thing. */
const ZONES: Readonly<Record<string, string>> = {
  WEST: '+0100',
  CET: '+0100',
  CEST: '+0200',
  EET: '+0200',
  EEST: '+0300',
  MSK: '+0300',
  JST: '+0900',
  KST: '+0900',
  AEST: '+1000',
  AEDT: '+1100',
  NZST: '+1200',
  NZDT: '+1300',
};

const TIME_OF_DAY = /\d:\d{2}/;
/** Behind the time of day: a sign and digits, `Z`, or a name. */
const ZONE = /:\d{2}(?:\.\d+)?\s*(?:Z\b|[+-]\d{2}:?\d{2}|[A-Za-z]{2,5}\b)/;
const NAMED_ZONE = /(:\d{2}(?:\.\d+)?)\s+([A-Z]{3,5})\b(?![+-])/;

/**
 * A time as Resque's programs write it in a failed entry: Ruby's `2026/11/20 20:29:37 UTC`, PHP's ISO 8601 or `Fri
 * Nov 20 20:29:37 UTC 2026`, Go's RFC 3339 with nanoseconds, Node's `Date.toString()`, Java's `+0000`; and the epoch seconds in text of pyres' workers. Without a zone, or with one
 * that nobody knows, it is taken for UTC.
 * @returns undefined for what is no time
 */
export function readDate(value: unknown): Date | undefined {
  if (typeof value === 'number') return dateOf(value < 1e11 ? value * 1000 : value);
  if (typeof value === 'string' && /^\d{9,10}$/.test(value)) return dateOf(Number(value) * 1000);
  // Another number or a day alone would be many things to Date.parse.
  if (typeof value !== 'string' || value.length > 100 || !TIME_OF_DAY.test(value)) return undefined;
  const zoned = ZONE.test(value) ? value : withoutZone(value);
  return dateOf(Date.parse(zoned)) ?? dateOf(Date.parse(withKnownZone(zoned)));
}

function withoutZone(text: string): string {
  return /^\d{4}-\d{2}-\d{2}T/.test(text) ? `${text}Z` : `${text} UTC`;
}

function withKnownZone(text: string): string {
  return text.replace(NAMED_ZONE, (_, time: string, zone: string) => `${time} ${ZONES[zone] ?? 'UTC'}`);
}

function dateOf(ms: number): Date | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? undefined : date;
}
