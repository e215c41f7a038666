import { ConfigError, type Limit } from '../../../../shared/index.ts';
import { nearest, parseLimit } from '../../../../shared/internal.ts';

const NONE = 'none';

/** `2`, `100/1m`, `2,100/1m`, or `none`, as the command line takes a limit. @returns null for none  @throws ConfigError */
export function limitFrom(where: string, text: string): Limit | null {
  if (text === NONE) return null;
  const meant = /^[a-z]+$/i.test(text) ? nearest(text.toLowerCase(), [NONE]) : undefined;
  // As other programs say that there is no limit.
  if (meant !== undefined || /^(0|off|no|unlimited|-1)$/i.test(text)) {
    throw new ConfigError(`${where}: ${JSON.stringify(text)} is no limit. Did you mean none?`);
  }
  return parseLimit(where, text);
}

/** A limit as it is given. */
export function limitText(limit: Limit | null | undefined): string {
  return [limit?.running, limit?.rate].filter((one) => one !== undefined).join(',') || NONE;
}
