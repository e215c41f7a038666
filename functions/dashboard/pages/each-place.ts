import { DeadlineError, LambdesqueError, RedisAuthError, RedisUnavailableError } from '../../../shared/index.ts';
import type { Said } from '../views/notices.ts';
import type { Changed } from './page.ts';

/** Places that a line of the log names. */
const LOGGED = 100;

/**
 * Changes what was chosen, one after another. What cannot be changed keeps nothing else from it; where Redis is away, the others
 * are not tried.
 * @param change tells whether it was still there
 */
export async function eachPlace(
  places: readonly string[],
  { back, said, log }: Pick<Changed, 'back' | 'log'> & { readonly said: Said },
  change: (one: { readonly place: string }) => Promise<boolean>,
): Promise<Changed> {
  if (places.length === 0) return { back, said: 'none', log: {} };
  let [n, missing, untried] = [0, 0, places.length];
  const errors: Error[] = [];
  for (const place of places) {
    untried--;
    try {
      if (await change({ place })) n++;
      else missing++;
    } catch (error) {
      errors.push(error instanceof Error ? error : new Error(String(error)));
      if (error instanceof RedisUnavailableError || error instanceof RedisAuthError || error instanceof DeadlineError)
        break;
    }
  }
  const told = { back, log: { ...log, places: places.slice(0, LOGGED) } };
  if (errors.length > 0) return { ...told, said, n, missing, refused: { errors, untried } };
  return { ...told, said: n === 0 ? 'gone' : said, n, missing: n === 0 ? 0 : missing };
}

/** Each reason once, with how often. What is no error of ours may say what nobody should read. */
export function reasonsOf(errors: readonly Error[]): ReadonlyMap<string, number> {
  const reasons = new Map<string, number>();
  for (const error of errors) {
    const why = error instanceof LambdesqueError ? error.message : 'A fault of the dashboard; its log has more.';
    reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
  return reasons;
}
