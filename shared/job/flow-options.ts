import type { Duration } from '../duration.ts';
import type { FlowNode, FlowStep } from './flow.ts';

/** Of a flow. */
export interface FlowOptions {
  /** Letters, digits and `_.:-`: a flow of the same id is started once, while there is a record of it. @default a new one */
  readonly id?: string;
  /** Shown where flows are. @default '' */
  readonly name?: string;
  /** Runs when all of it has succeeded, with its result as the last argument, unless it is immutable. */
  readonly onSuccess?: FlowStep;
  /**
   * Runs once, when the first step fails for good, with `{ step, class, exception, error }` as the last argument, unless it is
   * immutable.
   */
  readonly onFailure?: FlowStep;
  /**
   * What it means when a step is in the failed list, or is discarded: `stop` starts nothing more, until that step was retried by
   * hand and has succeeded; `continue` goes on, with null for its result. @default 'stop'
   */
  readonly ifStepFails?: 'stop' | 'continue';
  /** Most of its steps that run at once, whoever's workers run them. @default any number */
  readonly running?: number;
  /** Steps that have not started so long after the flow was started, are discarded, and have failed. @default never */
  readonly expires?: Duration;
  /** How long its record is kept when it has ended; of one that has stopped 7 days at least. @default '24h' */
  readonly keep?: Duration;
  /** To which `ctx.flow.add` may send jobs, besides those of its steps. @default none */
  readonly queues?: readonly string[];
  /**
   * `skip` starts nothing while the flow of this name that was started so before it runs, or steps of it still do. One that has stopped is
   * over; `expires` bounds how long one can run. @default 'allow'
   */
  readonly overlap?: 'allow' | 'skip';
}

/** Jobs that depend on each other, not started yet. */
export interface Flow {
  /** As it was given, or a new one. */
  readonly id: string;
  /**
   * Writes all of it to Redis, and starts it when it is there: whoever dies on the way has started nothing. Called again, also with
   * the same id by another program, it starts nothing more.
   * @throws ArgumentsError, ConfigError, each with the step's path, or what Redis says
   */
  enqueue(): Promise<StartedFlow>;
}

/** A flow that was started. */
export interface StartedFlow {
  /** For `client.flows`. */
  readonly id: string;
  /** A flow of this id had been started before; this one was not. */
  readonly duplicate: boolean;
  /** The id of the flow of its name that still runs, where this one was not started for that: see `overlap`. */
  readonly overlaps: string | undefined;
}

/**
 * A flow of steps, chains and groups.
 * @throws ConfigError for an option that cannot be used
 * @example
 * const sums = chord(group(step(Add, [1, 1]), step(Add, [5, 5])), step(Multiply, []));
 * const { id } = await client.flow(sums, { onFailure: step(Tell, []) }).enqueue();
 */
export type MakeFlow = (node: FlowNode, options?: FlowOptions) => Flow;
