import { usageError } from '../usage-error.ts';

export type Over = 'tcp' | 'rest';
/** What the jobs do: nothing; wait 10 ms; change from the one to the other and back; and whether two workers share them. */
export type Kind = 'noop' | '10ms' | 'change' | 'fair';

/** Which rows to measure: `--rtt 60,100 --over tcp --concurrency 25 --jobs noop,10ms`. What is not named has its default. */
export interface Selection {
  /** Milliseconds. */
  readonly rtt?: readonly number[];
  readonly over?: readonly Over[];
  readonly concurrency?: readonly number[];
  readonly jobs?: readonly Kind[];
}

const OVER: readonly Over[] = ['tcp', 'rest'];
const KINDS: readonly Kind[] = ['noop', '10ms', 'change', 'fair'];

/** Options of the command line, as they were given. @throws UsageError */
export function selectionOf(
  given: Readonly<Record<'rtt' | 'over' | 'concurrency' | 'jobs', string | undefined>>,
): Selection {
  const { rtt, over, concurrency, jobs } = given;
  return {
    ...(rtt === undefined ? {} : { rtt: numbers('rtt', rtt, 0, 'milliseconds') }),
    ...(over === undefined ? {} : { over: oneOf('over', over, OVER) }),
    ...(concurrency === undefined ? {} : { concurrency: numbers('concurrency', concurrency, 1, 'jobs at once') }),
    ...(jobs === undefined ? {} : { jobs: oneOf('jobs', jobs, KINDS) }),
  };
}

function numbers(option: string, given: string, least: number, unit: string): number[] {
  return given.split(',').map((text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least) return value;
    return usageError(
      `--${option} takes whole numbers (${unit}), ${least} or more, with commas between; got "${text}".`,
    );
  });
}

function oneOf<T extends string>(option: string, given: string, allowed: readonly T[]): T[] {
  return given.split(',').map((text) => {
    const found = allowed.find((one) => one === text);
    return found ?? usageError(`--${option} takes ${allowed.join(', ')}, with commas between; got "${text}".`);
  });
}
