import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** How long to look for, ms; long, so that a slow machine changes nothing. @default 90000 */
  readonly patience?: number;
  /** Patience begins anew whenever this says something else. @default never */
  readonly progress?: () => string | number;
  /** Between two looks, ms. @default 20 */
  readonly interval?: number;
}

/**
 * Looks until there is an answer, outside of a test runner too. A look that throws found nothing: Redis may be away.
 * @returns the first answer that is neither undefined nor false; undefined when patience ends
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { patience = 90_000, progress = () => '', interval = 20 }: UntilOptions = {},
): Promise<T | undefined> {
  let giveUpAt = performance.now() + patience;
  let last = progress();
  for (;;) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch {}
    const now = progress();
    if (now !== last) giveUpAt = performance.now() + patience;
    last = now;
    if (performance.now() > giveUpAt) return undefined;
    await delay(interval);
  }
}
