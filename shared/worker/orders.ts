import type { Orders as Given } from '../broker/admission.ts';
import { CancelledError } from '../errors.ts';
import type { Job } from '../types.ts';

/** What everybody was told with the last sync: classes that are paused, and jobs that are to be cancelled. */
export class Orders {
  /** Redis's time, epoch ms. */
  readonly #now: () => number;
  #paused: ReadonlySet<string> = new Set();
  #cancelled: ReadonlyMap<string, Given['cancelled'][number]> = new Map();
  #limited: readonly string[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param given undefined where there are none, as nearly always */
  update(given: Given | undefined): void {
    if (!given && this.#paused.size + this.#cancelled.size + this.#limited.length === 0) return;
    this.#paused = new Set(given?.pausedClasses);
    this.#cancelled = new Map(given?.cancelled.map((one) => [one.id, one]));
    this.#limited = given?.limitedQueues ?? [];
  }

  /** Queues of which Redis has a limit. */
  get limitedQueues(): readonly string[] {
    return this.#limited;
  }

  get anyCancelled(): boolean {
    return this.#cancelled.size > 0;
  }

  isPaused(className: string): boolean {
    return this.#paused.size > 0 && this.#paused.has(className);
  }

  /** Why the job is to be cancelled; undefined where it is not. */
  cancelled({ id, flow }: Pick<Job, 'id' | 'flow'>): CancelledError | undefined {
    if (this.#cancelled.size === 0) return undefined;
    // Callbacks run whatever becomes of their flow.
    const flowId = flow?.step.startsWith('0') ? flow.id : undefined;
    const order = this.#cancelled.get(id) ?? (flowId === undefined ? undefined : this.#cancelled.get(flowId));
    return order && order.until > this.#now() ? new CancelledError(order.reason) : undefined;
  }
}
