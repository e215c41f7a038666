import type { Load, Start, StartsBroker } from '../../shared/broker/redis/starts.ts';

/** Starts that are pending until a test says otherwise. */
export interface MemoryStarts extends StartsBroker {
  readonly list: Start[];
  /** What is known of how long jobs take: nothing, until a test says so. */
  load: Load;
}

export function memoryStarts(): MemoryStarts {
  const list: Start[] = [];
  const memory: MemoryStarts = {
    list,
    load: { paces: new Map(), waiting: new Map(), held: new Map() },
    async pending() {
      const counts = new Map<string, number>();
      for (const { consumer } of list) counts.set(consumer, (counts.get(consumer) ?? 0) + 1);
      return { counts, load: memory.load, wrong: [] };
    },
    async add(starts) {
      list.push(...starts.map(({ consumer, id }) => ({ consumer, id })));
    },
    async remove(starts) {
      for (const { id } of starts) list.splice(list.findIndex((one) => one.id === id) >>> 0, 1);
    },
  };
  return memory;
}
