import type { LimitedQueue } from '../broker/admission.ts';
import type { LimitRule, RawJob } from '../types.ts';
import type { Orders } from './orders.ts';

/** The queues that have a limit: as its worker was told, and as Redis says, which counts more. */
export class LimitedQueues {
  readonly #own: ReadonlyMap<string, LimitRule>;
  readonly #orders: Orders;

  constructor(own: ReadonlyMap<string, LimitRule>, orders: Orders) {
    this.#own = own;
    this.#orders = orders;
  }

  get any(): boolean {
    return this.#own.size + this.#orders.limitedQueues.length > 0;
  }

  has(queue: string): boolean {
    return this.#own.has(queue) || this.#orders.limitedQueues.includes(queue);
  }

  /**
   * What a sync has to say of them.
   * @param asked queues from which it reserves  @param held jobs that the worker holds  @param settled those of them that it settles
   */
  plan(asked: readonly string[], held: Iterable<RawJob>, settled: Iterable<RawJob>): LimitedQueue[] {
    const names = new Set([...this.#own.keys(), ...this.#orders.limitedQueues]);
    const counts = new Map<string, number>();
    const wanted = new Set(asked);
    for (const { queue } of held) if (names.has(queue)) counts.set(queue, (counts.get(queue) ?? 0) + 1);
    for (const { queue } of settled) if (names.has(queue)) counts.set(queue, (counts.get(queue) ?? 0) - 1);
    return [...names]
      .filter((queue) => wanted.has(queue) || counts.has(queue))
      .map((queue) => ({ queue, rule: this.#own.get(queue), holds: Math.max(0, counts.get(queue) ?? 0) }));
  }
}
