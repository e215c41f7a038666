import type { Limit } from '../../../shared/index.ts';

/** A limit as it is given: `2`, `100/1m`, `2,100/1m`. */
export function limitText({ running, rate }: Limit): string {
  return [running, rate].filter((one) => one !== undefined).join(',');
}
