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
  /** All of it, or the part that was asked for. */
  readonly tree: FlowTree;
  /** Steps that have failed and let nothing go on, each with its error; the first hundred. */
  readonly stopped: readonly FlowTree[];
  /** The callback. */
  readonly onSuccess: FlowTree | undefined;
  /** The callback. */
  readonly onFailure: FlowTree | undefined;
  /** Not all nodes are in it: there were more than `limit`, or than `members` in one group. */
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
  /** Of a step: as its payload has it. */
  readonly jobId: string | undefined;
  /** When a step was put into its queue, for the last time where it was retried by `flows.retry`. */
  readonly queuedAt: Date | undefined;
  /** From then to its end: it has waited, run and been tried again in that time. */
  readonly ms: number | undefined;
  /** What the handler returned, of a step; undefined while it has not, and where it was left out: see `resultBytes`. */
  readonly result: unknown;
  /** Of a result that is left out, since those of all steps together were more than 4 MB; else 0. */
  readonly resultBytes: number;
  /** Of a step that failed. */
  readonly error: StepError | undefined;
  /** Of a chain or group, in order; a part of them where there are too many. */
  readonly nodes: readonly FlowTree[];
  /** How many there are. */
  readonly count: number;
  /** Of a group: how its members do, all of them. */
  readonly members: MemberCounts | undefined;
}

/** How many members of a group, by what became of them. */
export interface MemberCounts {
  /** Not started yet. */
  readonly waiting: number;
  /** In queues, running, or waiting for a retry; also chains and groups of which that is true for a part. */
  readonly started: number;
  /** All of it. */
  readonly succeeded: number;
  /** Steps that failed, and the flow went on. */
  readonly passedOver: number;
  /** In which a step has failed that lets nothing go on. */
  readonly failed: number;
  /** What had not ended when the flow was cancelled. */
  readonly cancelled: number;
}
