import { type DurationRule, durationMs, parseDuration } from '../../duration.ts';
import { ConfigError } from '../../errors.ts';
import { rubyIntervalMs } from './ruby-interval.ts';

/** How to read an entry, by where it comes from. */
export interface EntrySource {
  /** A number without a unit: seconds in Resque's own format; in code either unit could be meant, so it is refused. */
  readonly numbers: 'seconds' | 'refused';
  /** Takes note of a field or option that is unknown here, and so has no effect. */
  readonly report: (problem: string) => void;
}

/** Of an interval, and of the wait before its first slot. */
function intervalRule({ numbers }: EntrySource): DurationRule {
  return { numbers, least: 1_000 };
}

/** Milliseconds of an interval; from Redis also as Ruby writes it, `1M` or `90 minutes`. @throws ConfigError */
export function intervalMs(value: unknown, field: string, source: EntrySource, rule: DurationRule = {}): number {
  const ruby =
    source.numbers === 'seconds' && typeof value === 'string' && parseDuration(value) === undefined
      ? rubyIntervalMs(value)
      : undefined;
  if (ruby !== undefined && ruby >= 1_000) return ruby;
  return durationMs(value, field, { ...intervalRule(source), ...rule });
}

/** When the first slot of an interval comes. Its other slots follow from there. */
interface FirstSlot {
  /** Milliseconds after the entry was first seen. */
  readonly in?: number;
  /** Epoch ms. */
  readonly at?: number;
}

/** rufus-scheduler takes the first of these that is given. */
const FIRST = ['first', 'first_time', 'first_at', 'first_in'];
/** What they say of the thread in which Ruby enqueues has no say in when it does. */
const NO_MATTER = ['first_at_no_error', 'discard_past', 'blocking', 'timeout', 'mutex', 'name', 'tag', 'tags', 'id'];
/** So that a slot is not missed, Ruby enqueues while it still enqueues another one, if these are true, as by default. */
const OVERLAPS = ['allow_overlapping', 'overlap'];
/** Without them an entry would go on for good, where it is meant to end. */
const ENDS = ['times', 'last', 'last_at', 'last_in'];

/**
 * The options of an interval, as rufus-scheduler has them.
 * @param field that they belong to, for messages
 * @throws ConfigError
 */
export function firstSlot(options: unknown, field: string, source: EntrySource): FirstSlot {
  const known = optionsOf(options, field);
  const name = FIRST.find((one) => known[one] !== undefined && known[one] !== null);
  return name === undefined ? {} : firstOf(known[name], `${field}.${name}`, source);
}

function optionsOf(options: unknown, field: string): Readonly<Record<string, unknown>> {
  if (options === undefined || options === null) return {};
  if (typeof options !== 'object' || Array.isArray(options)) {
    throw new ConfigError(`${field}: its options must be an object; got ${JSON.stringify(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (FIRST.includes(name) || NO_MATTER.includes(name) || value === undefined || value === null) continue;
    if (ENDS.includes(name)) {
      throw new ConfigError(
        `${field}.${name} is not known here, and without it the entry would not end; got ${JSON.stringify(value)}. ` +
          'Remove the entry when it has run often enough.',
      );
    }
    if (OVERLAPS.includes(name)) {
      if (value === true) continue;
      throw new ConfigError(
        `${field}.${name} is about Ruby's threads; an entry whose jobs must not overlap says overlap: 'skip'. ` +
          `Got ${JSON.stringify(value)}.`,
      );
    }
    throw new ConfigError(
      `${field}.${name} is not known here (of such options first_at and first_in are), and would have no effect; got ` +
        `${JSON.stringify(value)}. Leave it out.`,
    );
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
  return { in: intervalMs(value, field, source, { also: 'a time such as "2026-11-27T04:31:00Z"' }) };
}

function atTime(at: number, value: unknown, field: string): FirstSlot {
  if (Number.isNaN(at)) throw new ConfigError(`${field} must be a time that there is; got ${JSON.stringify(value)}.`);
  return { at };
}
