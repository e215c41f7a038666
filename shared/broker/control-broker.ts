import type { LimitRule } from '../types.ts';

/** The part of the seam that tells workers what they are not to do. */
export interface ControlBroker {
  /** Of queues that have one. */
  limits(): Promise<Map<string, LimitRule>>;
  /** @param rule undefined for none */
  limit(queue: string, rule: LimitRule | undefined): Promise<void>;
  pausedClasses(): Promise<string[]>;
  pauseClass(className: string): Promise<void>;
  /** Jobs that were parked meanwhile go to the heads of their queues, in order. @returns how many */
  resumeClass(className: string): Promise<number>;
  /** A job with this id is to end, wherever it is met. @param ms how long that holds  @returns false where too many are to be cancelled */
  orderCancel(id: string, reason: string, ms: number): Promise<boolean>;
  /** @returns whether that held still: else it was met, or its time is over */
  dropCancel(id: string): Promise<boolean>;
  /** A job was discarded by no worker. */
  countDiscarded(queue: string | undefined, className: string | undefined): Promise<void>;
}

/** Every worker hears of them with each sync. */
export const MOST_CANCELLED = 1_000;
