import type { ControlBroker } from '../broker/control-broker.ts';
import type { LimitsBroker } from '../broker/redis/limits.ts';
import type { LimitRule } from '../types.ts';

/** No worker has jobs, and none are parked. */
export const noLimits: LimitsBroker = {
  parkedGates: async () => [],
  lookAt: async () => undefined,
  states: async (gates, rules) =>
    gates.map((gate) => ({ known: false, rule: rules.get(gate), holders: [], called: 0, passed: 0, parked: 0 })),
  parkedCount: async () => 0,
  release: async () => 0,
};

/** What workers would be told, where there are none. */
export class MemoryControl implements ControlBroker {
  readonly #limits = new Map<string, LimitRule>();
  readonly #paused = new Set<string>();

  limits = async () => new Map(this.#limits);
  limit = async (queue: string, rule: LimitRule | undefined) => {
    if (rule) this.#limits.set(queue, rule);
    else this.#limits.delete(queue);
  };
  pausedClasses = async () => [...this.#paused].sort();
  pauseClass = async (className: string) => void this.#paused.add(className);
  resumeClass = async (className: string) => {
    this.#paused.delete(className);
    return 0;
  };
  orderCancel = async () => true;
  dropCancel = async () => true;
  countDiscarded = async () => {};

  clear(): void {
    this.#limits.clear();
    this.#paused.clear();
  }
}
