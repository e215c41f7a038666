import type { Start, StartsBroker } from '../../shared/broker/redis/starts.ts';

/** Starts that are pending until a test says otherwise. */
export interface MemoryStarts extends StartsBroker {
  readonly list: Start[];
}

export function memoryStarts(): MemoryStarts {
  const list: Start[] = [];
  return {
    list,
    async pending() {
      const counts = new Map<string, number>();
      for (const { consumer } of list) counts.set(consumer, (counts.get(consumer) ?? 0) + 1);
      return { counts, paces: new Map(), wrong: [] };
    },
    async add(starts) {
      list.push(...starts.map(({ consumer, id }) => ({ consumer, id })));
    },
    async remove(starts) {
      for (const { id } of starts) list.splice(list.findIndex((one) => one.id === id) >>> 0, 1);
    },
  };
}
