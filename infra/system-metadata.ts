import type { BilledSystem } from '../functions/contract/bill.ts';

/** Under this name a system says what it is made of, in the synthesized app: `lambdesque cost` reads it. It is in no template. */
export const systemMetadata = 'lambdesque:system';

export interface SystemMetadata extends BilledSystem {
  /** By consumer: which queues it drains, as `parseQueues` takes them. */
  readonly drains: Readonly<Record<string, string>>;
  /** The queue of each job class that has one. */
  readonly classes: Readonly<Record<string, string>>;
}
