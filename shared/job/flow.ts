import { ConfigError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import type { Args, Target } from './enqueue.ts';

/** An argument list without its last one, which is the result of what comes before. */
export type WithoutLast<In extends Args> = In extends readonly [...infer First, unknown] ? First : In;

/** Of one step of a flow. */
export interface StepOptions {
  /** Where it goes. @default the definition's queue */
  readonly queue?: string;
  /** It does not get the result of what comes before it. @default false: that is its last argument */
  readonly immutable?: boolean;
  /** What it means when it fails for good: see `FlowOptions.ifStepFails`. @default the flow's */
  readonly ifFails?: 'stop' | 'continue';
}

/** A job of a flow. */
export interface FlowStep {
  /** What it is. */
  readonly kind: 'step';
  /** Its class. */
  readonly job: Target;
  /** Without what comes before it. */
  readonly args: Args;
  /** As they were given. */
  readonly options: StepOptions;
}

/** One after the other. */
export interface FlowChain {
  /** What it is. */
  readonly kind: 'chain';
  /** In order. */
  readonly nodes: readonly FlowNode[];
}

/** Side by side. */
export interface FlowGroup {
  /** What it is. */
  readonly kind: 'group';
  /** Its members, in order. */
  readonly nodes: readonly FlowNode[];
  /** Most members that are in queues or run at once. */
  readonly running: number | undefined;
}

/** What flows are made of: steps, and chains and groups of such. */
export type FlowNode = FlowStep | FlowChain | FlowGroup;

/** What a step of a flow knows of it, and can do to it. */
export interface JobFlow {
  /** As `client.flow` has it. */
  readonly id: string;
  /** Its place: `0` is the whole flow, `.1` behind that the second of a chain, `:1` the second of a group. */
  readonly step: string;
  /**
   * More members for the group of which this step is a part, the nearest one: they are started when this attempt has succeeded, in
   * the same moment, and their results stand behind those of the others. Those of an attempt that fails are forgotten.
   * @throws ConfigError for a step that is part of no group, for a queue that is none of the flow's, and for more than 4 MB of steps
   * @example for (const url of links) ctx.flow?.add(step(Crawl, [url]));
   */
  add(...nodes: readonly FlowNode[]): void;
}

/** Of a group. */
export interface GroupOptions {
  /** Most of its members that are in queues or run at once, from 1. @default 5,000 */
  readonly running?: number;
}

const STEP = { queue: true, immutable: true, ifFails: true } satisfies OptionsOf<StepOptions>;
const GROUP = { running: true } satisfies OptionsOf<GroupOptions>;

/**
 * A job as a step of a flow. Behind another one in a chain it gets that one's result as its last argument, which is left out here,
 * unless it is `immutable`.
 * @throws ConfigError for an option that cannot be used
 * @example step(Multiply, [3], { queue: 'numbers' })
 */
export function step<In extends Args>(
  job: Target<In>,
  args: NoInfer<In> | NoInfer<WithoutLast<In>>,
  options: StepOptions = {},
): FlowStep {
  const name = typeof job === 'string' ? job : job?.class;
  if (typeof name !== 'string' || name === '') {
    throw new ConfigError(`step: the job must be what defineJob returns, or the name of a class; got ${shown(job)}.`);
  }
  if (!Array.isArray(args)) {
    throw new ConfigError(`step ${name}: args must be an array, one element for each argument; got ${shown(args)}.`);
  }
  checkOptions(`step ${name}`, options, STEP);
  const { ifFails } = options;
  if (ifFails !== undefined && ifFails !== 'stop' && ifFails !== 'continue') {
    throw new ConfigError(`step ${name}: ifFails must be 'stop' or 'continue'; got ${shown(ifFails)}.`);
  }
  return { kind: 'step', job: job as Target, args, options };
}

/**
 * One after the other: each gets the result of the one before as its last argument, every member of a group as well. Its own
 * result is that of the last one.
 * @throws ConfigError without any
 * @example chain(step(Fetch, ['https://example.com']), step(Parse, []), step(Store, ['pages']))
 */
export function chain(...nodes: readonly FlowNode[]): FlowChain {
  checkNodes('chain', nodes);
  if (nodes.length === 0) throw new ConfigError('chain needs a step, such as chain(step(Fetch, [url])).');
  return { kind: 'chain', nodes };
}

/**
 * Side by side. Its result is the list of theirs, in the order in which they stand here, with null for those that failed and were
 * passed over. Any number of them: a hundred thousand are no large value in Redis.
 * @throws ConfigError
 * @example
 * const resized = ['a.png', 'b.png'].map((name) => step(Resize, [name]));
 * client.flow(group(resized, { running: 10 }));
 */
export function group(nodes: readonly FlowNode[], options?: GroupOptions): FlowGroup;
/** The same of some. */
export function group(...nodes: readonly FlowNode[]): FlowGroup;
export function group(...given: readonly (FlowNode | readonly FlowNode[] | GroupOptions | undefined)[]): FlowGroup {
  const isList = Array.isArray(given[0]);
  const nodes = (isList ? given[0] : given) as readonly FlowNode[];
  const options = (isList ? (given[1] ?? {}) : {}) as GroupOptions;
  checkNodes('group', nodes);
  checkOptions('group', options, GROUP);
  return { kind: 'group', nodes, running: checkRunning('group', options.running) };
}

/**
 * A group, and what gets the list of its results: `chain(group, callback)` by the name that Celery and Machinery have for it.
 * @throws ConfigError where the first is no group
 * @example chord(group(step(Add, [1, 1]), step(Add, [5, 5])), step(Multiply, []))
 */
export function chord(members: FlowGroup, callback: FlowNode): FlowChain {
  if (members?.kind !== 'group') throw new ConfigError(`chord: the first must be a group; got ${shown(members)}.`);
  return chain(members, callback);
}

/** @param where what has the option, for messages  @throws ConfigError */
export function checkRunning(where: string, running: unknown): number | undefined {
  if (running === undefined || (Number.isInteger(running) && (running as number) >= 1))
    return running as number | undefined;
  throw new ConfigError(`${where}: running must be a whole number, 1 or more; got ${shown(running)}.`);
}

function checkNodes(where: string, nodes: readonly FlowNode[]): void {
  for (const [i, node] of nodes.entries()) {
    if (isNode(node)) continue;
    throw new ConfigError(
      `${where}: ${i + 1}. must be what step, chain, group or chord returns, such as step(Hello, ['hi']); got ${shown(node)}.`,
    );
  }
}

export function isNode(value: unknown): value is FlowNode {
  return ['step', 'chain', 'group'].includes((value as FlowNode | undefined)?.kind as string);
}
