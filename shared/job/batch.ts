import { type Duration, type DurationRule, durationMs } from '../duration.ts';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import type { JobInfo } from './context.ts';
import type { Args, Enqueue } from './enqueue.ts';

/** Which jobs run together. */
export interface BatchOptions<In extends Args = Args> {
  /** Most jobs of a batch, from 1. */
  readonly size: number;
  /** How long the first of a batch waits for others. @default '1s' */
  readonly wait?: Duration;
  /**
   * Jobs of equal keys run together, such as `(args) => args[0].tenant`. Arguments are as they were given to `enqueue`, before any
   * schema. @default all of the class
   */
  key?(args: In): string;
}

/** A job of a batch. */
export interface BatchedJob<Out extends Args = Args> {
  /** What its schema made of them. */
  readonly args: Out;
  /** The job itself. */
  readonly job: JobInfo;
  /** What it returns, for its record and its flow. @default nothing */
  result: unknown;
  /** It has failed, and the others have not; as if its own handler had thrown that. The last one counts. */
  fail(error: unknown): void;
}

/** What `performAll` knows and can do besides. */
export interface BatchContext {
  /** Aborts when all of its jobs have to end. */
  readonly signal: AbortSignal;
  /** Milliseconds until the first of its jobs has to end. */
  timeLeft(): number;
  /** Its lines carry the class, and how many jobs there are. */
  readonly log: Logger;
  /** Enqueue another job. */
  readonly enqueue: Enqueue;
}

/** Which jobs run together, as a definition keeps it. */
export interface Batch {
  /** Most jobs. */
  readonly size: number;
  /** How long the first waits for others, ms. */
  readonly wait: number;
  /** Of those that run together. @default all of the class */
  key?(args: Args): string;
}

const BATCH = { size: true, wait: true, key: true } satisfies OptionsOf<BatchOptions>;
const WAIT: DurationRule = { refuseSmall: true };
const MOST_SIZE = 10_000;
/** A batch is held by its worker while it collects. */
const LONGEST_WAIT_MS = 600_000;

/** @throws ConfigError */
export function batchOf(where: string, options: BatchOptions<never>): Batch {
  checkOptions(`${where}: batch`, options, BATCH);
  const { size, wait = '1s', key } = options as BatchOptions;
  if (!Number.isInteger(size) || size < 1 || size > MOST_SIZE) {
    throw new ConfigError(`${where}: batch.size must be a whole number from 1 to ${MOST_SIZE}; got ${shown(size)}.`);
  }
  if (key !== undefined && typeof key !== 'function') {
    throw new ConfigError(
      `${where}: batch.key must be a function of the arguments that gives a text; got ${shown(key)}.`,
    );
  }
  const ms = durationMs(wait, `${where}: batch.wait`, WAIT);
  if (ms > LONGEST_WAIT_MS)
    throw new ConfigError(`${where}: batch.wait must be at most 10 minutes; got ${shown(wait)}.`);
  return { size, wait: ms, ...(key ? { key } : {}) };
}
