import type { Command } from 'commander';

/**
 * Options as other programs call them, and what they are here. Those that differ by a letter or two commander finds itself.
 */
const OPTIONS: Readonly<Record<string, string>> = {
  '--redis': '--uri',
  '--redis-url': '--uri',
  '--url': '--uri',
  '--host': '--uri',
  '--token': '--upstash-token',
  '--prefix': '--namespace',
  '--threads': '--concurrency',
  '--workers': '--concurrency',
  '--count': '--concurrency',
  '--poll': '--interval',
  '--sleep': '--interval',
  '--once': '--exit-on-complete',
  '--drain': '--exit-on-complete',
  '--timeout': '--shutdown-timeout',
  '--require': '--jobs',
  '--module': '--jobs',
  '--schedule': '--cron',
  '--delay': '--in',
  '--wait': '--in',
  '--when': '--at',
};
const COMMANDS: Readonly<Record<string, string>> = {
  worker: 'work',
  run: 'work',
  consume: 'work',
  push: 'enqueue',
  add: 'enqueue',
  schedule: 'tick',
  scheduler: 'tick',
  server: 'start',
  watch: 'dev',
  failures: 'failed',
  errors: 'failed',
  delayed: 'scheduled',
  retries: 'scheduled',
  info: 'stats',
  status: 'stats',
  monitor: 'top',
  check: 'doctor',
  web: 'dashboard',
  version: '--version',
};
/** By command: what is given in another way than as an option. */
const ALL_QUEUES = 'it works on all queues; lambdesque work takes --queues';
const LOCAL_REDIS = 'it takes the Redis that REDIS_URL names, or one of its own; lambdesque work takes --uri';
const OTHERWISE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: { '--queues': ALL_QUEUES, '--queue': ALL_QUEUES, '--uri': LOCAL_REDIS },
  dev: { '--queues': ALL_QUEUES, '--queue': ALL_QUEUES, '--uri': LOCAL_REDIS },
  enqueue: {
    '--class': 'the class comes first, without an option: lambdesque enqueue Hello hi there',
    '--args': 'arguments follow the class, without an option: lambdesque enqueue Hello hi there',
  },
};
const SUGGESTION = /\n\(Did you mean .*\)/;

/** What commander says of a mistake, with what was probably meant. @param command the one that it was said of */
export function withHint(text: string, command: Command): string {
  const [, option] = /unknown option '(--?[\w-]+)/.exec(text) ?? [];
  if (option !== undefined) {
    if (command.parent === null) return hinted(text, 'a command comes first, as in lambdesque work --queues critical');
    const other = OTHERWISE[command.name()]?.[option];
    const name = OPTIONS[option];
    if (other !== undefined) return hinted(text, other);
    // As it is spelled elsewhere rather than what looks like it.
    if (name !== undefined && command.options.some((one) => one.long === name))
      return hinted(text, `Did you mean ${name}?`);
    return text;
  }
  const [, unknown = ''] = /unknown command '([\w-]+)'/.exec(text) ?? [];
  const known = COMMANDS[unknown];
  if (known !== undefined) return hinted(text, `Did you mean ${known}?`);
  if (command.name() === 'work' && text.includes('too many arguments')) {
    return hinted(text, 'queues are given with --queues, as --queues critical,default');
  }
  if (command.parent?.parent && text.includes('too many arguments')) {
    return hinted(text, `lambdesque ${command.parent.name()} --help shows what can be done with them`);
  }
  return text;
}

function hinted(text: string, hint: string): string {
  return `${text.replace(SUGGESTION, '').trimEnd()}\n(${hint})\n`;
}
