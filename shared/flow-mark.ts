/** Where a job stands in a flow; it travels in the payload's `flow`. */
export interface FlowMark {
  readonly id: string;
  /** Its step: `0` the whole, then `.1` for the second of a chain, `:1` for the second of a group; or `success`, `failure`. */
  readonly step: string;
  /** All queues to which steps of the flow go. */
  readonly queues: readonly string[];
  /** How many steps of the flow may run at once. */
  readonly running?: number | undefined;
}

/** A flow whose lists of results are so large that they are made in portions. */
export type FlowLists = Pick<FlowMark, 'id' | 'queues'>;

/** A node of a flow as Redis has it. @property path as in `FlowMark.step`, or behind it, of nodes that are added to a group */
export interface FlowNodeText {
  readonly path: string;
  readonly text: string;
}

/** What a step adds to its group. @property steps how many jobs */
export interface FlowAddition {
  readonly nodes: readonly FlowNodeText[];
  readonly members: number;
  readonly steps: number;
}

/** How a step of a flow has ended: its result, as JSON, and what it adds; or its error, as JSON. */
export type StepEnd = { readonly json: string; readonly added?: FlowAddition | undefined } | { readonly error: string };
