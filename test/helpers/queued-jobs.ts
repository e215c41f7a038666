/** Jobs told apart by their class, and what is queued of them. */
import type { Attempts } from '../../shared/types.ts';
import { unsplice } from '../../shared/wire/attempts-record.ts';
import type { Brokers } from './brokers.ts';

export const job = (name: string) => `{"class":"${name}","args":[]}`;
/** Names. */
export const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const classOf = (payload: string) => (JSON.parse(unsplice(payload).payload) as { class: string }).class;

export function queuedJobs(stores: Brokers) {
  return {
    /** Class names in a queue, from the head. */
    classes: async (queue: string) => (await stores.queued(queue)).map(classOf),
    records: async (queue: string): Promise<(Attempts | undefined)[]> =>
      (await stores.queued(queue)).map((payload) => unsplice(payload).record),
  };
}
