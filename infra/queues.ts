import type { Limit } from '../shared/index.ts';
import { checkNamed, limitRules, type QueueList, QueueSelector } from '../shared/internal.ts';

/**
 * Queues in the order in which they are drained, `['critical', 'default']`; or with their weights,
 * `{ mailers: 3, newsletters: 1 }`; or both as one text, `'critical,default'`. Names, globs (`mail_*`) and `!name`.
 */
export type Queues = string | readonly string[] | Readonly<Record<string, number>>;

/** As one text, the way `parseQueues` and `lambdesque work --queues` take it. @throws Error */
export function queueText(queues: Queues): string {
  if (typeof queues === 'string') return queues;
  const weighted = !Array.isArray(queues);
  const names: readonly string[] = weighted ? Object.keys(queues) : queues;
  for (const name of names) {
    if (typeof name !== 'string' || name === '' || /[,=]/.test(name)) {
      throw new Error(
        `queues holds ${JSON.stringify(name)}: a queue's name must not be empty, nor have a comma or an equals sign in it. ` +
          `Weights are written { mailers: 3, newsletters: 1 }.`,
      );
    }
  }
  return weighted
    ? Object.entries(queues)
        .map(([name, weight]) => `${name}=${weight}`)
        .join(',')
    : names.join(',');
}

/** Would a consumer of `list` look into this queue? */
export function drains(list: QueueList, queue: string): boolean {
  const selector = new QueueSelector(list);
  selector.update([queue]);
  return selector.shares(1).some((share) => share.queue === queue);
}

/** Limits are of queues that the list looks into, by their names. @throws ConfigError */
export function checkLimits(limits: Readonly<Record<string, Limit>>, list: QueueList): void {
  limitRules(limits);
  checkNamed('limits', Object.keys(limits), list);
}

/** A queue that both look into, if one can be found: among names that stand in their lists, examples of their globs, and `more`. */
export function sharedQueue(a: QueueList, b: QueueList, more: readonly string[]): string | undefined {
  const examples = [...a.patterns, ...b.patterns]
    .filter((one) => !one.excluded)
    .map((one) => one.pattern.replace(/\[[!^]?\]?([^\]])[^\]]*\]/g, '$1').replace(/[*?]/g, 'x'));
  return [...more, ...examples].find((name) => drains(a, name) && drains(b, name));
}
