import { type Duration, type DurationRule, durationMs } from './duration.ts';
import { ConfigError } from './errors.ts';
import { type Limit, limitRules } from './limit.ts';
import { checkOptions, shown } from './options.ts';

/** How numbers in arguments arrive: long integers as bigint, or all as double, as JSON.parse gives them. */
export type Numbers = 'bigint' | 'double';

/** Every option of a worker, as its parts take them: times are milliseconds. */
export interface WorkerOptions {
  /** Jobs that run at once; 1 runs them strictly one after the other, in order. */
  readonly concurrency: number;
  /** Between two looks at queues that were empty, where Redis does not tell of pushes. */
  readonly interval: number;
  /** How long a worker may be silent before its jobs are given to others. Heartbeats come three times as often. */
  readonly lease: number;
  /** How long running jobs may go on after a stop before they are aborted. */
  readonly shutdownTimeout: number;
  /** How long an aborted handler may take to end by itself; then its attempt ends without it. */
  readonly abortGrace: number;
  /** End when the queues are empty. */
  readonly exitOnComplete: boolean;
  /** What to do with a job whose class nothing handles: to the failed list, or back to its queue for other workers. */
  readonly unknownClass: 'fail' | 'release';
  /** How integers beyond ±(2⁵³−1) arrive in arguments. */
  readonly numbers: Numbers;
  /** Attempts of a job whose definition does not say. */
  readonly attempts: number;
  /** For one attempt of a job whose definition does not say. */
  readonly timeout: number;
  /** Most jobs reserved in one call. */
  readonly batchCount: number;
  /** Most payload bytes reserved in one call; up to four times as many where the database is far. */
  readonly batchBytes: number;
  /** How far ahead of the free places to reserve, beyond a round trip: as many jobs as the measured rate ends in this time. */
  readonly ahead: number;
  /** Longest time that an outcome waits to be settled together with others. */
  readonly settleWithin: number;
  /** A reserved job that could not start after this time and a round trip is released, for idle workers to take. */
  readonly releaseAfter: number;
  /** Nothing more is reserved while the payloads of the jobs that are held come to so many bytes. */
  readonly heldBytes: number;
  /** Queues whose jobs run one at a time and in order, whoever takes them; a queue list, as text or as a list, '' for none. */
  readonly serial: string;
  /** How many jobs of a queue run, of all workers together, by its name; a limit that Redis has counts more. */
  readonly limits: Readonly<Record<string, Limit>>;
  /** Log a line for each run. */
  readonly logRuns: boolean;
  /** Put the arguments into that line. */
  readonly logArgs: boolean;
}

export const workerDefaults = {
  concurrency: 25,
  interval: 5_000,
  lease: 60_000,
  shutdownTimeout: 8_000,
  abortGrace: 1_000,
  exitOnComplete: false,
  unknownClass: 'fail',
  numbers: 'bigint',
  attempts: 5,
  timeout: 900_000,
  batchCount: 5_000,
  batchBytes: 1_048_576,
  ahead: 60,
  settleWithin: 100,
  releaseAfter: 150,
  heldBytes: 67_108_864,
  serial: '',
  limits: {},
  logRuns: true,
  logArgs: false,
} as const satisfies WorkerOptions;

/** Of this package, as package.json has it: a worker writes it down where it registers. */
export const version = '0.1.0';

/** Prefix of every key: Resque's own. */
export const defaultNamespace = 'resque:';

const durations = {
  interval: { least: 1, refuseSmall: true },
  lease: { least: 1_000 },
  shutdownTimeout: { refuseSmall: true },
  abortGrace: {},
  timeout: { least: 1, refuseSmall: true, endless: true },
  ahead: {},
  settleWithin: {},
  releaseAfter: {},
} as const satisfies { readonly [option in keyof WorkerOptions]?: DurationRule };

/** Worker options as they are given: each may be left out, and times are durations, such as `'30s'`. */
export type WorkerOptionsInput = {
  readonly [option in keyof WorkerOptions]?: option extends keyof typeof durations
    ? Duration
    : option extends 'serial'
      ? string | readonly string[]
      : WorkerOptions[option];
};

/** Their names. */
export const workerOptionNames = Object.fromEntries(
  Object.keys(workerDefaults).map((name) => [name, true]),
) as Readonly<Record<keyof WorkerOptions, boolean>>;

/** Whole numbers from 1. */
const counts = ['concurrency', 'attempts', 'batchCount', 'batchBytes', 'heldBytes'] as const;

const choices: { readonly [option in keyof WorkerOptions]?: readonly unknown[] } = {
  unknownClass: ['fail', 'release'],
  numbers: ['bigint', 'double'],
  exitOnComplete: [true, false],
  logRuns: [true, false],
  logArgs: [true, false],
};

/** The defaults with `given` on top. @throws ConfigError naming option, value and what is allowed */
export function workerOptions(given: WorkerOptionsInput): WorkerOptions {
  checkOptions('worker', given, workerOptionNames);
  const options: WorkerOptions = { ...workerDefaults };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const rule = Object.hasOwn(durations, name) ? durations[name as keyof typeof durations] : undefined;
    const list = name === 'serial' ? listText(value, 'serial') : value;
    Object.assign(options, { [name]: rule ? durationMs(value, name, rule) : list });
  }
  if (typeof options.limits !== 'object' || options.limits === null || Array.isArray(options.limits)) {
    throw new ConfigError(`limits must be such as { reports: { running: 2 } }; got ${shown(options.limits)}.`);
  }
  limitRules(options.limits);
  for (const name of counts) {
    const value = options[name];
    if (!(Number.isInteger(value) && value >= 1)) {
      throw new ConfigError(`${name} must be a whole number, 1 or more; got ${String(value)}.`);
    }
  }
  for (const [name, allowed] of Object.entries(choices)) {
    const value = options[name as keyof typeof choices];
    if (!allowed.includes(value)) {
      throw new ConfigError(
        `${name} must be one of ${allowed.map((one) => JSON.stringify(one)).join(', ')}; got ${JSON.stringify(value)}.`,
      );
    }
  }
  return options;
}

/** A queue list as one text. @throws ConfigError for what is none */
export function listText(value: unknown, field: string): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(',');
  throw new ConfigError(
    `${field} must be a text such as 'critical,default', or a list such as ['critical', 'default']; got ${shown(value)}.`,
  );
}
