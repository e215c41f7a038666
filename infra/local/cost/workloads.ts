import type { Workload } from '../../../functions/contract/bill.ts';
import { ConfigError } from '../../../shared/index.ts';
import { nearest, parseQueues } from '../../../shared/internal.ts';
import { drains } from '../../queues.ts';
import type { SystemMetadata } from '../../system-metadata.ts';

/** Jobs of one class, as `--class Report=1e5,200ms` has them. */
export interface ClassFlag {
  readonly name: string;
  readonly jobsPerDay?: number;
  readonly ms?: number;
}

/**
 * Which jobs there are, and which consumer runs them.
 * @param rest of those that do not say
 * @throws ConfigError for a class that the app does not define, or that no consumer drains
 */
export function workloadsOf(
  system: SystemMetadata | undefined,
  consumer: string,
  classes: readonly ClassFlag[],
  rest: { readonly jobsPerDay: number; readonly ms: number },
): Workload[] {
  const numbers = ({ jobsPerDay = rest.jobsPerDay, ms = rest.ms }: Omit<ClassFlag, 'name'>) => ({ jobsPerDay, ms });
  if (!system) {
    const all = classes.length === 0 ? [{}] : classes;
    return all.map((one) => ({ consumer, queue: 'default', ...numbers(one) }));
  }
  const first = system.consumers[0]?.name ?? consumer;
  if (classes.length === 0) return [{ consumer: first, queue: system.drains[first] ?? '', ...numbers({}) }];
  return classes.map((one) => ({ ...placeOf(system, one.name), ...numbers(one) }));
}

function placeOf(system: SystemMetadata, name: string): Pick<Workload, 'consumer' | 'queue'> {
  const queue = system.classes[name];
  const known = Object.keys(system.classes);
  if (queue === undefined) {
    const meant = nearest(name, known);
    throw new ConfigError(
      `--class ${name}: the app has no such class with a queue${meant === undefined ? '' : `; did you mean ${meant}?`} It has ${known.join(', ') || 'none'}.`,
    );
  }
  const consumer = Object.entries(system.drains).find(([, list]) => drains(parseQueues(list), queue))?.[0];
  if (consumer !== undefined) return { consumer, queue };
  throw new ConfigError(`--class ${name}: no consumer of the app drains its queue ${JSON.stringify(queue)}.`);
}
