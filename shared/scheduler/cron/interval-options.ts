import { type DurationRule, durationMs } from '../../duration.ts';
import { ConfigError } from '../../errors.ts';

/** How to read an entry, by where it comes from. */
export interface EntrySource {
  /** A number without a unit: seconds in Resque's own format; in code either unit could be meant, so it is refused. */
  readonly numbers: 'seconds' | 'refused';
  /** Takes note of a field or option that is unknown here, and so has no effect. */
  readonly report: (problem: string) => void;
}

/** Of an interval, and of the wait before its first slot. */
export function intervalRule({ numbers }: EntrySource): DurationRule {
  return { numbers, least: 1_000 };
}

/** When the first slot of an interval comes. Its other slots follow from there. */
export interface FirstSlot {
  /** Milliseconds after the entry was first seen. */
  readonly in?: number;
  /** Epoch ms. */
  readonly at?: number;
}

/** rufus-scheduler takes the first of these that is given. */
const FIRST = ['first', 'first_time', 'first_at', 'first_in'];
/** Without them an entry would go on for good, where it is meant to end. */
const ENDS = ['times', 'last', 'last_at', 'last_in'];

/**
 * The options of an interval, as rufus-scheduler has them.
 * @param field that they belong to, for messages
 * @throws ConfigError
 */
export function firstSlot(options: unknown, field: string, source: EntrySource): FirstSlot {
  const known = optionsOf(options, field, [...FIRST, 'first_at_no_error'], source);
  const name = FIRST.find((one) => known[one] !== undefined && known[one] !== null);
  return name === undefined ? {} : firstOf(known[name], `${field}.${name}`, source);
}

/** Options of a cron expression: none is known. */
export function cronOptions(options: unknown, field: string, source: EntrySource): void {
  optionsOf(options, field, [], source);
}

function optionsOf(
  options: unknown,
  field: string,
  known: readonly string[],
  { report }: EntrySource,
): Readonly<Record<string, unknown>> {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw new ConfigError(`${field}: its options must be an object; got ${JSON.stringify(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (known.includes(name) || value === undefined || value === null) continue;
    if (ENDS.includes(name)) {
      throw new ConfigError(
        `${field}.${name} is not known here, and without it the entry would not end; got ${JSON.stringify(value)}. ` +
          'Remove the entry when it has run often enough.',
      );
    }
    const others = known.length === 0 ? 'none is' : `${known.slice(2, 4).join(' and ')} are`;
    report(`${field}.${name} is not known here (of such options ${others}); got ${JSON.stringify(value)}.`);
  }
  return options as Record<string, unknown>;
}

/** A time as Ruby writes it, or as ISO 8601; without a zone it is UTC. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|UTC|[+-]\d\d:?\d\d)?)?$/;

/** A wait from now on, or a time. */
function firstOf(value: unknown, field: string, source: EntrySource): FirstSlot {
  if (value === 0) return {};
  if (value instanceof Date) return atTime(value.getTime(), value, field);
  const [, day, time = '00:00', zone = 'Z'] = (typeof value === 'string' && TIME.exec(value)) || [];
  if (day !== undefined) {
    const offset = zone === 'UTC' ? 'Z' : zone.replace(/^([+-]\d\d):?(\d\d)$/, '$1:$2');
    return atTime(Date.parse(`${day}T${time}${offset}`), value, field);
  }
  return { in: durationMs(value, field, { ...intervalRule(source), also: 'a time such as "2026-11-27T04:31:00Z"' }) };
}

function atTime(at: number, value: unknown, field: string): FirstSlot {
  if (Number.isNaN(at)) throw new ConfigError(`${field} must be a time that there is; got ${JSON.stringify(value)}.`);
  return { at };
}
