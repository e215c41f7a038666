import type { FlowState } from '../broker/flow-broker.ts';

export type { FlowState } from '../broker/flow-broker.ts';

/** What became of a step: `waiting` for what is before it, `started` is in its queue, or runs, or waits for a retry. */
export type StepState = 'waiting' | 'started' | 'succeeded' | 'failed' | 'passed over' | 'cancelled';

/** A flow without its steps. */
export interface FlowInfo {
  /** As `client.flow` has it. */
  readonly id: string;
  /** As it was named. */
  readonly name: string;
  /** `failed`: a step has failed, and nothing more is started until that was retried and has succeeded. */
  readonly state: FlowState;
  /** When it was started. */
  readonly createdAt: Date;
  /** When it ended, or stopped. */
  readonly endedAt: Date | undefined;
  /** Without callbacks. */
  readonly progress: FlowProgress;
  /** Of the first step that failed. */
  readonly error: StepError | undefined;
  /** Why it was cancelled. */
  readonly reason: string | undefined;
}

/** How many of a flow's steps. */
export interface FlowProgress {
  /** In all, with those that were added. */
  readonly steps: number;
  /** That ended well. */
  readonly succeeded: number;
  /** That failed for good, or were discarded. */
  readonly failed: number;
  /** In queues, running, or waiting for a retry. */
  readonly started: number;
}

/** What a step has failed with. */
export interface StepError {
  /** Its path. */
  readonly step: string;
  /** Its class; undefined where nobody could tell. */
  readonly class: string | undefined;
  /** Name of the error. */
  readonly exception: string;
  /** Its message. */
  readonly error: string;
}

/** A flow with its steps. */
export interface FlowView extends FlowInfo {
  /** All of it. */
  readonly tree: FlowTree;
  /** The callback. */
  readonly onSuccess: FlowTree | undefined;
  /** The callback. */
  readonly onFailure: FlowTree | undefined;
  /** Not all nodes are in it: there were more than `limit`. */
  readonly cut: boolean;
}

/** A step, or a chain or group of such. */
export interface FlowTree {
  /** What it is. */
  readonly kind: 'step' | 'chain' | 'group';
  /** Its place: see `ctx.flow.step`. */
  readonly path: string;
  /** What became of it. */
  readonly state: StepState;
  /** Of a step. */
  readonly class: string | undefined;
  /** What the handler returned, of a step; undefined while it has not, and where it was left out: see `resultBytes`. */
  readonly result: unknown;
  /** Of a result that is left out, since those of all steps together were more than 4 MB; else 0. */
  readonly resultBytes: number;
  /** Of a step that failed. */
  readonly error: StepError | undefined;
  /** Of a chain or group, in order; the first ones where there are too many. */
  readonly nodes: readonly FlowTree[];
  /** How many there are. */
  readonly count: number;
}
