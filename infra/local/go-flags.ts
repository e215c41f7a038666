import { ConfigError } from '../../shared/index.ts';

const SWITCHES = new Set(['exit-on-complete', 'use-number']);

/** Go writes flags as `-queues=a` and switches as `-exit-on-complete=false`; goworker's users know them so. @throws ConfigError */
export function goFlags(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  return [...flags.flatMap(translate), ...args.slice(flags.length)];
}

function translate(arg: string): string[] {
  const [, name, value] = /^--?([a-z][a-z-]+)(?:=([\s\S]*))?$/.exec(arg) ?? [];
  if (name === undefined) return [arg];
  if (!SWITCHES.has(name)) return [value === undefined ? `--${name}` : `--${name}=${value}`];
  const on = value === undefined || /^(true|t|1)$/i.test(value);
  if (!on && !/^(false|f|0)$/i.test(value))
    throw new ConfigError(`${arg.replace(/=.*/s, '')} takes true or false; got ${JSON.stringify(value)}.`);
  if (name === 'use-number') return on ? [] : ['--no-use-number'];
  return on ? [`--${name}`] : [];
}
