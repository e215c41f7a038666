import { LAST_DATE } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import { noSuchOption, shown, unknownOption } from '../options.ts';
import type { EnqueueItem } from './enqueuer.ts';

const FIELDS = { class: true, args: true, queue: true, in: true, at: true, metadata: true } as const;

/**
 * A job as others send it, in JSON: `{ "class": "Report", "args": ["May"], "queue": "reports", "in": "30s" }`, or `at` as ISO 8601.
 * What its class defines is checked when it is enqueued.
 * @param where what it is called in messages
 * @throws ConfigError that says which field is wrong
 */
export function jobObject(where: string, value: unknown): EnqueueItem {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(
      `${where} must be an object, such as {"class":"Report","args":["May"]}; got ${shown(value).slice(0, 100)}.`,
    );
  }
  const unknown = unknownOption(value, FIELDS);
  if (unknown !== undefined) throw noSuchOption(where, unknown, value, FIELDS);
  const { class: name, args = [], queue, in: wait, at, metadata } = value as Readonly<Record<string, unknown>>;
  const refuse = (field: string, allowed: string, got: unknown) =>
    new ConfigError(`${where}: ${field} must be ${allowed}; got ${shown(got).slice(0, 100)}.`);
  if (typeof name !== 'string' || name === '') throw refuse('class', 'the name of a job class', name);
  if (!Array.isArray(args)) throw refuse('args', 'a list of arguments', args);
  if (queue !== undefined && (typeof queue !== 'string' || queue === '')) throw refuse('queue', 'a name', queue);
  if (wait !== undefined && typeof wait !== 'string') throw refuse('in', 'a time with its unit, such as "30s"', wait);
  if (metadata !== undefined && typeof metadata !== 'boolean') throw refuse('metadata', 'true or false', metadata);
  const due = at === undefined ? undefined : new Date(typeof at === 'string' ? at : Number.NaN);
  if (due && !(due.getTime() >= 0 && due.getTime() <= LAST_DATE && /T.*(Z|[+-]\d\d:?\d\d)$/.test(String(at)))) {
    throw refuse('at', 'a time with its zone, such as "2026-12-01T09:00:00Z"', at);
  }
  return {
    job: name,
    args,
    ...(queue === undefined ? {} : { queue }),
    ...(wait === undefined ? {} : { in: wait as `${number}s` }),
    ...(due === undefined ? {} : { at: due }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
