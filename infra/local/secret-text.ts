import { readFileSync } from 'node:fs';
import { ConfigError } from '../../shared/index.ts';
import type { Env } from './redis/install.ts';

/** Where a secret comes from: a file that a flag names, or a variable; on the command line all could see it. */
interface SecretText {
  /** What it is called in messages. */
  readonly what: string;
  readonly flag: string;
  readonly variable: string;
  /** Characters that it must have. */
  readonly least: number;
}

/**
 * @param file what the flag says
 * @returns undefined where there is none
 * @throws ConfigError for a file that cannot be read, or a secret that is too short
 */
export function secretText(
  { what, flag, variable, least }: SecretText,
  file: string | undefined,
  env: Env,
): string | undefined {
  const value = file === undefined ? env[variable] : readSecret(flag, file);
  if (value === undefined || (value === '' && file === undefined)) return undefined;
  if (value.length >= least) return value;
  const where = file === undefined ? variable : `${flag} ${file}`;
  throw new ConfigError(`${where}: ${what} must have ${least} characters or more; this one has ${value.length}.`);
}

function readSecret(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new ConfigError(`${flag}: ${path} cannot be read: ${(cause as Error).message}.`, { cause });
  }
}
