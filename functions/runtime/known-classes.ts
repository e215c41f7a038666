import { type AnyJobDefinition, defineJob } from '../../shared/index.ts';

/** The job classes by name and queue alone, for functions in which nothing of them runs. @param queues that of each class, null where it has none */
export function knownClasses(queues: Readonly<Record<string, string | null>>): AnyJobDefinition[] {
  return Object.entries(queues).map(([name, queue]) =>
    defineJob({ class: name, ...(queue === null ? {} : { queue }), perform() {} }),
  );
}
