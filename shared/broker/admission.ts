import type { Gate, LimitRule, RawJob } from '../types.ts';
import type { WrongKey } from './wrong-key.ts';

/** What has to let a job through. */
export interface AskedGate extends Gate {
  /** It is closed while this class is paused, and open else. */
  readonly pausedClass?: string;
  /** What it does not let through is not to wait for it. @default false */
  readonly refuses?: boolean;
}

export interface AdmissionRequest {
  readonly gates: readonly AskedGate[];
  readonly jobs: readonly {
    readonly raw: RawJob;
    /** Places in `gates`; it needs all of them. */
    readonly gates: readonly number[];
    /** It is not to be parked, but stays with its worker. */
    readonly stays: boolean;
  }[];
}

/**
 * What became of a job that asked for leave: it may start; it is parked, and was taken from the worker; its gate refused it;
 * it stays with the worker, and has to ask again; the worker did not hold it any more.
 */
export type Admission = 'admitted' | 'parked' | 'refused' | 'held' | 'gone';

export interface LimitedQueue {
  readonly queue: string;
  /** Where Redis has none. */
  readonly rule: LimitRule | undefined;
  /** Its jobs that the worker holds once this is settled. */
  readonly holds: number;
}

/** What everybody is told with each sync. */
export interface Orders {
  /** Classes of which no job is to start. */
  readonly pausedClasses: readonly string[];
  /** By id: jobs that are to be cancelled, with the reason, until a time on Redis's clock, epoch ms. */
  readonly cancelled: readonly { readonly id: string; readonly reason: string; readonly until: number }[];
  /** Queues with limits. */
  readonly limitedQueues: readonly string[];
}

/** @property next when the first of the others is to be looked at, epoch ms */
export interface ParkedGates {
  readonly gates: readonly string[];
  readonly next: number | undefined;
  readonly wrong: readonly WrongKey[];
}

export interface OpenedGates {
  /** Jobs that were called. */
  readonly called: number;
  /** More of them may go on at once. */
  readonly more: boolean;
  readonly wrong: readonly WrongKey[];
}
