import { ConfigError } from '../errors.ts';

/** Most jobs that one call may lead to, inline. @throws ConfigError */
export function inlineLimit(given = 1_000): number {
  if (Number.isInteger(given) && given >= 1) return given;
  throw new ConfigError(`limit must be a whole number of jobs, 1 or more; got ${given}.`);
}
