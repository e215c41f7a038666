import { ConfigError } from '../../errors.ts';
import { type CronEntry, splitTimeZone } from './entry.ts';
import { rubyRefusesCron, rubyRefusesInterval } from './ruby-grammar.ts';

/** An entry as resque-scheduler reads it. */
export interface RubyEntry {
  readonly cron?: string | readonly unknown[];
  readonly every?: string | readonly unknown[];
  readonly [field: string]: unknown;
}

/**
 * An entry in resque-scheduler's form: the time zone stands behind the expression.
 * @param firstAt when its first slot is, if it says so, epoch ms
 */
export function entryForRuby({ timeZone, cron, every, ...rest }: CronEntry, firstAt?: number): RubyEntry {
  if (Array.isArray(cron)) {
    return { cron: [forRubyCron(String(cron[0]), timeZone), ...optionsForRuby(cron[1], firstAt)], ...rest };
  }
  const expression = cron as string | undefined;
  const interval = /^\s*@every\s+(\S+)\s*$/.exec(expression ?? '')?.[1];
  if (interval !== undefined) return { every: interval, ...rest };
  if (expression) return { cron: forRubyCron(expression, timeZone), ...rest };
  return {
    every: Array.isArray(every) ? [String(every[0]), ...optionsForRuby(every[1], firstAt)] : String(every),
    ...rest,
  };
}

function forRubyCron(cron: string, timeZone: string | undefined): string {
  return timeZone ? `${splitTimeZone(cron).expression} ${timeZone}` : cron;
}

/** A first time may have passed when Ruby's scheduler starts again; an option keeps its newer versions from ending for that. */
function optionsForRuby(options: unknown, firstAt: number | undefined): readonly unknown[] {
  if (firstAt !== undefined) return [{ first_at: new Date(firstAt).toISOString(), first_at_no_error: true }];
  return options === undefined ? [] : [options];
}

/** @throws ConfigError for an entry at which Ruby's scheduler would end, and could not start again */
export function checkForRuby(name: string, { cron, every }: RubyEntry): void {
  const refuse = (field: string, value: unknown, reason: string | undefined) => {
    if (reason === undefined) return;
    throw new ConfigError(
      `cron entry ${JSON.stringify(name)}: ${field} must be one that Ruby's resque-scheduler can parse, which reads it too ` +
        `and would end at it: ${reason}; got ${JSON.stringify(value)}. A static entry may have it.`,
    );
  };
  const field = cron === undefined ? 'every' : 'cron';
  const given = cron ?? every;
  const [timing, options] = Array.isArray(given) ? given : [given];
  refuse(field, timing, (field === 'cron' ? rubyRefusesCron : rubyRefusesInterval)(String(timing)));
  for (const [option, value] of Object.entries(options ?? {})) {
    if (typeof value === 'string') refuse(`${field}.${option}`, value, rubyRefusesInterval(value));
  }
}
