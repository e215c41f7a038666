import { ArgumentsError, ConfigError } from '../errors.ts';
import type { FlowNodeText } from '../flow-mark.ts';
import { stringify } from '../json.ts';
import { shown } from '../options.ts';
import type { SentJob, TraceContext } from '../telemetry.ts';
import { newId } from '../wire/payload.ts';
import type { JobRef, Target } from './enqueue.ts';
import type { FlowNode, FlowStep } from './flow.ts';
import { checkJsonArgs, checkWellFormed } from './json-args.ts';
import { newPayload } from './new-payload.ts';
import type { Registry } from './registry.ts';
import { checkArgs } from './schema.ts';

/** Levels of chains and groups: the script that goes from one step to the next has a stack too. */
const DEEPEST = 50;
/** Queues of a flow: each of its jobs names them all. */
const MOST_QUEUES = 100;

interface FlowNodesDeps {
  /** Lets a class name find its definition, hence its queue and schema. */
  readonly registry: Registry | undefined;
  /** Of steps that do not say. */
  readonly ifStepFails: 'stop' | 'continue';
  /** Its queues so far, in order; more are added. */
  readonly queues: string[];
  /** Whether more may be. @default true */
  readonly moreQueues?: boolean;
  /** Epoch ms. */
  readonly now: number;
  /** In which its jobs are enqueued. */
  readonly trace?: TraceContext | undefined;
}

/** A flow, or a part of one, as it is written to Redis. */
interface FlowNodes {
  readonly nodes: readonly FlowNodeText[];
  /** Jobs among them. */
  readonly steps: number;
  /** Where these go, for their span. */
  readonly sent: readonly SentJob[];
  /** Of schemas that take their time. */
  readonly checks: readonly Promise<unknown>[];
}

/**
 * A node is a text: `c <number of nodes>` for a chain, `g <number of members> <most at once, or 0> <1|0>` for a group, whose list of
 * results somebody takes or nobody, and for a step
 * `s <c|s> <place of its queue> <1|0>`: whether the flow goes on or stops when it fails, the queue, from 1, and whether it takes an
 * input; on the next line its payload up to the end of its arguments, or whole but for its last brace; on the third what comes
 * before `queue_time`, '' for a payload that has none.
 */
export function flowNodes(
  roots: readonly (readonly [path: string, node: FlowNode, takes: boolean, taken: boolean])[],
  deps: FlowNodesDeps,
): FlowNodes {
  const writer = new NodeWriter(deps);
  for (const [path, node, takes, taken] of roots) writer.write(path, node, takes, taken, 0);
  return writer;
}

/** Does anything in it take the result of what comes before it? */
export function takesInput(node: FlowNode | undefined): boolean {
  if (node?.kind === 'group') return node.nodes.some(takesInput);
  if (node?.kind === 'chain') return takesInput(node.nodes[0]);
  return node !== undefined && node.options.immutable !== true;
}

class NodeWriter implements FlowNodes {
  readonly nodes: FlowNodeText[] = [];
  readonly checks: Promise<unknown>[] = [];
  readonly sent: SentJob[] = [];
  steps = 0;
  readonly #deps: FlowNodesDeps;
  readonly #places: Map<string, number>;

  constructor(deps: FlowNodesDeps) {
    this.#deps = deps;
    this.#places = new Map(deps.queues.map((name, i) => [name, i + 1]));
  }

  /** @param takes something comes before it in its chain, or in one around that  @param taken something takes its result */
  write(path: string, node: FlowNode, takes: boolean, taken: boolean, depth: number): void {
    if (depth > DEEPEST)
      throw new ConfigError(`A flow is at most ${DEEPEST} levels deep; this one is deeper at ${path}.`);
    if (node.kind === 'step') {
      this.#step(path, node, takes);
    } else if (node.kind === 'chain') {
      this.nodes.push({ path, text: `c ${node.nodes.length}` });
      for (const [i, one] of node.nodes.entries()) {
        const next = node.nodes[i + 1];
        this.write(`${path}.${i}`, one, takes || i > 0, next ? takesInput(next) : taken, depth + 1);
      }
    } else {
      this.nodes.push({ path, text: `g ${node.nodes.length} ${node.running ?? 0} ${taken ? 1 : 0}` });
      for (const [i, one] of node.nodes.entries()) this.write(`${path}:${i}`, one, takes, taken, depth + 1);
    }
  }

  #step(path: string, { job, args, options }: FlowStep, comesAfter: boolean): void {
    const definition = typeof job === 'string' ? definitionOf(job, this.#deps.registry) : job;
    const name = typeof job === 'string' ? job : job.class;
    const takes = comesAfter && options.immutable !== true;
    try {
      this.#check(path, name, definition, args, takes);
      const place = this.#placeOf(options.queue ?? definition?.queue);
      const fails = (options.ifFails ?? this.#deps.ifStepFails) === 'continue' ? 'c' : 's';
      const [head, rest] = this.#payload(name, definition, args);
      this.nodes.push({ path, text: `s ${fails} ${place} ${takes ? 1 : 0}\n${head}\n${rest}` });
      this.sent.push({ queue: this.#deps.queues[place - 1] ?? '', id: undefined });
      this.steps++;
    } catch (error) {
      throw ofStep(path, name, error);
    }
  }

  #check(path: string, name: string, definition: JobRef | undefined, args: FlowStep['args'], takes: boolean): void {
    if (name.endsWith('*')) {
      throw new ConfigError(
        `it stands for many classes. Give the class by name, such as ${JSON.stringify(name.replace(/\*$/, 'name'))}.`,
      );
    }
    if (takes && definition?.activeJob) {
      throw new ConfigError(
        'a class of ActiveJob cannot take the result of a step. Make it immutable: step(job, args, { immutable: true }).',
      );
    }
    // What is not complete yet is checked by the worker.
    if (takes || !definition?.args) return;
    const checked = checkArgs(definition, args);
    if (!(checked instanceof Promise)) return;
    const failing = checked.catch((error: unknown) => {
      throw ofStep(path, name, error);
    });
    failing.catch(() => {});
    this.checks.push(failing);
  }

  #placeOf(queue: unknown): number {
    if (typeof queue !== 'string' || queue === '' || !queue.isWellFormed()) {
      throw new ConfigError(
        queue === undefined
          ? "no queue. Give it in the step's options, or in the job's definition."
          : `the queue must be a name; got ${shown(queue)}.`,
      );
    }
    const known = this.#places.get(queue);
    if (known !== undefined) return known;
    const { queues, moreQueues = true } = this.#deps;
    if (!moreQueues) {
      throw new ConfigError(
        `the queue ${JSON.stringify(queue)} is none of the flow's (${queues.join(', ')}). Name it when the flow is made: client.flow(node, { queues: [${JSON.stringify(queue)}] }).`,
      );
    }
    if (queues.length === MOST_QUEUES)
      throw new ConfigError(`a flow has at most ${MOST_QUEUES} queues; ${JSON.stringify(queue)} is one more.`);
    queues.push(queue);
    this.#places.set(queue, queues.length);
    return queues.length;
  }

  /** Without line ends: JSON escapes them. */
  #payload(
    name: string,
    definition: JobRef | undefined,
    args: FlowStep['args'],
  ): readonly [head: string, rest: string] {
    const id = newId();
    const { now, trace } = this.#deps;
    if (definition?.activeJob) {
      const queue = definition.queue ?? '';
      const job = { class: name, args, queue, at: undefined, id, now, trace };
      return [newPayload(definition, job).slice(0, -1), ''];
    }
    const traced = trace ? `${stringify(trace).slice(1, -1)},` : '';
    checkJsonArgs(name, args);
    const head = `{"class":${JSON.stringify(name)},"args":${stringify(args).slice(0, -1)}`;
    checkWellFormed(name, args, head);
    return [head, `],"id":"${id}",${traced}"queue_time":`];
  }
}

function definitionOf(job: Target, registry: Registry | undefined): JobRef | undefined {
  if (typeof job !== 'string') return job;
  return (registry?.handlerFor(job) ?? registry?.handlerFor(job, true))?.definition;
}

/** The same error, naming the step that it is about. */
function ofStep(path: string, name: string, error: unknown): unknown {
  const Kind = [ArgumentsError, ConfigError].find((one) => error instanceof one);
  return Kind ? new Kind(`Step ${path} (${name}): ${(error as Error).message}`, { cause: error }) : error;
}
