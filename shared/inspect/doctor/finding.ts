import type { Facts } from './facts.ts';

/** What is wrong or odd. */
export interface Finding {
  /** Name of the check that found it. */
  readonly check: string;
  /** `error`: jobs are lost or do not run; `warning`: they may; `notice`: good to know. */
  readonly severity: Severity;
  /** What was found, in a sentence. */
  readonly problem: string;
  /** What it is about: keys, workers, queues, entries; at most 100. */
  readonly subjects: readonly string[];
  /** What it means, and what comes of it. */
  readonly meaning: string;
  /** The command that mends it, or what to do. */
  readonly remedy: string;
  /** `fix` mends it: it loses no job, and runs none that should not. */
  readonly fixable: boolean;
  /** How many were mended; undefined where that was not asked for, or is not possible. */
  readonly fixed: number | undefined;
}

export type Severity = 'error' | 'warning' | 'notice';

/** A finding as its check makes it. */
export interface Diagnosis extends Omit<Finding, 'check' | 'fixable' | 'fixed' | 'subjects'> {
  readonly subjects?: readonly string[];
  /** Safe: looks again, loses nothing. @returns how many were mended */
  readonly mend?: () => Promise<number>;
}

/** One thing to look at. What it throws is told, and stops no other. */
export interface Check {
  readonly name: string;
  run(facts: Facts): Promise<readonly Diagnosis[]> | readonly Diagnosis[];
}

/** The first ones, and how many more there are. */
export function listed(names: readonly string[], most = 3): string {
  const first = names.slice(0, most).map((name) => (name.length > 80 ? `${name.slice(0, 80).toWellFormed()}…` : name));
  return names.length <= most ? first.join(', ') : `${first.join(', ')} and ${names.length - most} more`;
}

export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count} ${count === 1 ? one : more}`;
}

/** A name as a shell takes it. */
export function quoted(name: string): string {
  return /^[\w@%+=:,./-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`;
}
