import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** How long to look for, ms; long, so that a slow machine changes nothing. @default 90000 */
  readonly patience?: number;
  /** Between two looks, ms. @default 20 */
  readonly interval?: number;
}

/**
 * Looks until there is an answer, outside of a test runner too. A look that throws found nothing: Redis may be away.
 * @returns the first answer that is neither undefined nor false; undefined when patience ends
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { patience = 90_000, interval = 20 }: UntilOptions = {},
): Promise<T | undefined> {
  const giveUpAt = performance.now() + patience;
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch {}
    if (performance.now() > giveUpAt) return undefined;
    await delay(interval);
  }
}
