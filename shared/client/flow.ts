import type { FlowBroker } from '../broker/flow-broker.ts';
import { type Duration, durationMs } from '../duration.ts';
import { ConfigError, LambdesqueError } from '../errors.ts';
import type { FlowNodeText } from '../flow.ts';
import { checkRunning, type FlowNode, type FlowStep, isNode } from '../job/flow.ts';
import { flowNodes } from '../job/flow-nodes.ts';
import type { Registry } from '../job/registry.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import type { SentJob, Telemetry, TraceContext } from '../telemetry.ts';
import { FLOW_ID } from '../wire/flow.ts';
import { newId } from '../wire/payload.ts';
import { CHUNK_CHARACTERS, CHUNK_JOBS } from './push.ts';

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
}

/**
 * A flow of steps, chains and groups.
 * @throws ConfigError for an option that cannot be used
 * @example
 * const sums = chord(group(step(Add, [1, 1]), step(Add, [5, 5])), step(Multiply, []));
 * const { id } = await client.flow(sums, { onFailure: step(Tell, []) }).enqueue();
 */
export type MakeFlow = (node: FlowNode, options?: FlowOptions) => Flow;

export interface FlowDeps {
  readonly store: Pick<FlowBroker, 'writeNodes' | 'startFlow'>;
  readonly registry?: Registry | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Redis's time, epoch ms. */
  readonly now: () => Promise<number>;
}

const OPTIONS = {
  id: true,
  name: true,
  onSuccess: true,
  onFailure: true,
  ifStepFails: true,
  running: true,
  expires: true,
  keep: true,
  queues: true,
} satisfies OptionsOf<FlowOptions>;
const KEEP_MS = 86_400_000;

export function flowMaker({ store, registry, telemetry, now }: FlowDeps): MakeFlow {
  return (node, options = {}) => {
    checkOptions('flow', options, OPTIONS);
    if (!isNode(node)) {
      throw new ConfigError(
        `flow: must be what step, chain, group or chord returns, such as chain(step(Hello, ['hi'])); got ${shown(node)}.`,
      );
    }
    const checked = check(options);
    const { id, name = '', running, queues = [] } = checked;
    let duplicate = false;
    const start = async (trace?: TraceContext): Promise<readonly SentJob[]> => {
      const time = await now();
      const names = [...queues];
      const roots = [
        ['0', node, false] as const,
        ...(checked.onSuccess ? [['success', checked.onSuccess, true] as const] : []),
        ...(checked.onFailure ? [['failure', checked.onFailure, true] as const] : []),
      ];
      const { nodes, steps, sent, checks } = flowNodes(roots, {
        registry,
        queues: names,
        ifStepFails: checked.ifStepFails,
        now: time,
        trace,
      });
      await Promise.all(checks);
      for (const some of chunksOf(nodes)) await store.writeNodes(id, some);
      const { state, wrong } = await store.startFlow({
        id,
        name,
        queues: names,
        running,
        nodes: nodes.length,
        steps: steps - (roots.length - 1),
        expires: checked.expires === undefined ? undefined : time + checked.expires,
        keep: checked.keep,
      });
      const [first] = wrong;
      if (first)
        throw new LambdesqueError(
          `The flow ${id} could not be started as a whole, since ${first.key} cannot be used: ${first.error}`,
        );
      if (state === 'incomplete') {
        throw new LambdesqueError(
          `The flow ${id} was not started: some of its steps had expired before all were written. Enqueue it again.`,
        );
      }
      duplicate = state === 'was started';
      return sent;
    };
    return {
      id,
      async enqueue() {
        await (telemetry ? telemetry.enqueue(start) : start());
        return { id, duplicate };
      },
    };
  };
}

function check(options: FlowOptions) {
  const { id = newId(), onSuccess, onFailure, ifStepFails = 'stop', running, expires, keep, queues, name } = options;
  if (typeof id !== 'string' || !FLOW_ID.test(id)) {
    throw new ConfigError(
      `flow: id must be 1 to 200 letters, digits and _.:-, such as 'report-2026-11'; got ${shown(id)}.`,
    );
  }
  if (name !== undefined && typeof name !== 'string')
    throw new ConfigError(`flow: name must be a text; got ${shown(name)}.`);
  for (const [option, value] of Object.entries({ onSuccess, onFailure })) {
    if (value !== undefined && value?.kind !== 'step') {
      throw new ConfigError(`flow: ${option} must be a step, such as step(Tell, []); got ${shown(value)}.`);
    }
  }
  if (ifStepFails !== 'stop' && ifStepFails !== 'continue') {
    throw new ConfigError(`flow: ifStepFails must be 'stop' or 'continue'; got ${shown(ifStepFails)}.`);
  }
  if (
    queues !== undefined &&
    !(Array.isArray(queues) && queues.every((one) => typeof one === 'string' && one !== ''))
  ) {
    throw new ConfigError(`flow: queues must be a list of names; got ${shown(queues)}.`);
  }
  checkRunning('flow', running);
  return {
    ...options,
    id,
    ifStepFails,
    expires: expires === undefined ? undefined : durationMs(expires, 'flow: expires', { least: 1, leastNumber: 1_000 }),
    keep: keep === undefined ? KEEP_MS : durationMs(keep, 'flow: keep', { least: 1_000, leastNumber: 1_000 }),
  };
}

/** As many nodes as one request takes. */
function* chunksOf(nodes: readonly FlowNodeText[]): Generator<readonly FlowNodeText[]> {
  let from = 0;
  let characters = 0;
  for (const [i, { path, text }] of nodes.entries()) {
    characters += path.length + text.length;
    if (i > from && (i - from === CHUNK_JOBS || characters > CHUNK_CHARACTERS)) {
      yield nodes.slice(from, i);
      from = i;
      characters = path.length + text.length;
    }
  }
  yield nodes.slice(from);
}
