import type { FlowMark, FlowNodeText } from '../flow-mark.ts';
import type { WrongKey } from './wrong-key.ts';

/** The part of the seam that starts flows. */
export interface FlowStarter {
  /**
   * Writes nodes of a flow that is not started yet; they expire unless it is. In one call.
   * @returns false where it has been started: nothing was written
   */
  writeNodes(id: string, nodes: readonly FlowNodeText[]): Promise<boolean>;
  /** Its first steps go to their queues; once, however often it is called. */
  startFlow(flow: NewFlow): Promise<FlowStart>;
}

export interface FlowStart {
  readonly state: 'started' | 'was started' | 'incomplete' | 'overlaps';
  /** The flow of its name that runs. */
  readonly overlaps: string | undefined;
  readonly wrong: readonly WrongKey[];
}

/** The part of the seam that starts flows, looks at them and changes them. */
export interface FlowBroker extends FlowStarter {
  /** undefined where there is no record. */
  flow(id: string): Promise<FlowRecord | undefined>;
  /** In one call; undefined where there is no record. */
  flowRecords(ids: readonly string[]): Promise<(FlowRecord | undefined)[]>;
  flowNodes(id: string, paths: readonly string[]): Promise<FlowNodeRecord[]>;
  /** Those behind an entry, the newest first, whose records may be gone. @param state @default any  @param after @default the beginning */
  flowEntries(options: {
    readonly state?: FlowState | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<FlowEntry[]>;
  /** Forgets those whose records are gone. */
  forgetFlows(entries: readonly FlowEntry[]): Promise<void>;
  /** @returns its state before; undefined where there is no record */
  changeFlow(id: string, queues: readonly string[], change: FlowChange): Promise<ChangedFlow | undefined>;
}

export interface NewFlow extends Omit<FlowMark, 'step'> {
  readonly name: string;
  /** Nodes that were written. */
  readonly nodes: number;
  /** Jobs among them, but callbacks. */
  readonly steps: number;
  /** Nothing of it is started any more from then on; epoch ms. */
  readonly expires: number | undefined;
  /** How long the record is kept when it has ended, ms. */
  readonly keep: number;
  /** Only where no flow of its name runs that was started so. */
  readonly alone: boolean;
}

type FlowChange =
  | { readonly kind: 'cancel'; readonly reason: string }
  /** @property step only that one  @default all that failed and let nothing go on */
  | { readonly kind: 'retry'; readonly step?: string | undefined }
  /** @property error as JSON  @property element of the list of lost steps that says so */
  /** The lists of results that it waits for are gone on with. */
  | { readonly kind: 'lists'; readonly element: string }
  | { readonly kind: 'fail'; readonly step: string; readonly error: string; readonly element?: string };

interface ChangedFlow {
  readonly before: FlowState;
  /** Steps that were pushed again. */
  readonly again: number;
  /** Lists of results that it waits for. */
  readonly lists: number;
  readonly wrong: readonly WrongKey[];
}

/** `failed`: it has stopped at a step, and goes on when that was retried and has succeeded. */
export type FlowState = 'running' | 'succeeded' | 'failed' | 'cancelled';
export const FLOW_STATES = ['running', 'succeeded', 'failed', 'cancelled'] as const satisfies readonly FlowState[];

/** Where a list of flows has one: `<epoch ms of its start>:<id>`. */
export interface FlowEntry {
  readonly id: string;
  readonly created: number;
  readonly entry: string;
}

/** @property told flows that heard of a step of theirs  @property more there may be more */
export interface LostSteps {
  readonly told: number;
  readonly more: boolean;
  readonly wrong: readonly WrongKey[];
}

/** Times are epoch ms. */
export interface FlowRecord {
  readonly state: FlowState;
  readonly name: string;
  readonly queues: readonly string[];
  readonly created: number;
  readonly ended: number | undefined;
  /** Steps in all, without callbacks. */
  readonly steps: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Steps that were pushed and have not ended, callbacks among them. */
  readonly active: number;
  /** Of the first step that failed, as JSON; '' where none did. */
  readonly error: string;
  /** Paths of steps that failed and let nothing go on. */
  readonly stopped: readonly string[];
  /** Why it was cancelled. */
  readonly reason: string;
}

export interface FlowNodeRecord {
  /** Its first lines; '' where there is none. */
  readonly text: string;
  readonly state: string;
  /** As JSON; '' where there is none, or it was left out. */
  readonly result: string;
  readonly error: string;
  /** Bytes of a result that was left out. */
  readonly leftOut: number;
  /** What stands in a step's payload before its time: its id. */
  readonly rest: string;
}
