import type { EnqueueItem } from '../../shared/index.ts';
import { ConfigError } from '../../shared/index.ts';
import { jobObject } from '../../shared/internal.ts';
import type { AwsEvent } from './events.ts';

/** What becomes of an event, where no code is needed to say so. */
export interface EnqueueRule {
  /** The job's class. */
  readonly class: string;
  /** @default the definition's queue */
  readonly queue?: string;
  /**
   * Its arguments. A text that is `$`, or begins with `$.`, is a part of what the event says: `['$.bucket', '$.key']`; one that begins
   * with `$event.` a part of the event as AWS has it. Anything else stands for itself.
   * @default ['$']
   */
  readonly args?: readonly unknown[];
}

/** Which jobs an event becomes: one, several, or none (undefined). */
export type EnqueueMap = (
  event: AwsEvent,
) => EnqueueItem | readonly EnqueueItem[] | undefined | Promise<EnqueueItem | readonly EnqueueItem[] | undefined>;

/** @param rule without one, the message itself is a job, as `POST /jobs` has it */
export function mapOf(rule: EnqueueRule | undefined): EnqueueMap {
  if (!rule) return (event) => jobObject('the message', event.body);
  const { class: job, queue, args = ['$'] } = rule;
  return (event) => ({
    job,
    args: args.map((one) => argumentOf(one, event)),
    ...(queue === undefined ? {} : { queue }),
  });
}

function argumentOf(argument: unknown, event: AwsEvent): unknown {
  if (typeof argument !== 'string') return argument;
  const [, root, path = ''] = /^(\$|\$event)((?:\.[^.]+)*)$/.exec(argument) ?? [];
  if (root === undefined) return argument;
  let value: unknown = root === '$' ? event.body : event.raw;
  for (const name of path.split('.').slice(1)) {
    const found = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    if (!found) throw new ConfigError(`The event has no ${argument}: there is no ${JSON.stringify(name)} in it.`);
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
