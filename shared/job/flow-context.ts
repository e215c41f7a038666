import { ConfigError } from '../errors.ts';
import type { FlowAddition, FlowMark, FlowNodeText } from '../flow-mark.ts';
import { shown } from '../options.ts';
import type { TraceContext } from '../telemetry.ts';
import { groupOf } from '../wire/flow.ts';
import { isNode, type JobFlow } from './flow.ts';
import { flowNodes } from './flow-nodes.ts';
import type { Registry } from './registry.ts';

/** Characters of steps that one attempt adds: they go with its settlement, and Upstash takes requests of 10 MB at the most. */
const MOST_ADDED = 4_194_304;

interface FlowContextDeps {
  readonly registry?: Registry | undefined;
  /** Redis's time, epoch ms. */
  readonly now: () => number;
  /** Of the job: those that it adds go on with it. */
  readonly trace?: TraceContext | undefined;
}

export class FlowContext implements JobFlow {
  readonly #mark: FlowMark;
  readonly #deps: FlowContextDeps;
  readonly #nodes: FlowNodeText[] = [];
  #members = 0;
  #size = 0;
  #steps = 0;

  constructor(mark: FlowMark, deps: FlowContextDeps) {
    this.#mark = mark;
    this.#deps = deps;
  }

  get id(): string {
    return this.#mark.id;
  }

  get step(): string {
    return this.#mark.step;
  }

  /** What was added; undefined where nothing was. */
  get added(): FlowAddition | undefined {
    return this.#members === 0 ? undefined : { nodes: this.#nodes, members: this.#members, steps: this.#steps };
  }

  get add(): JobFlow['add'] {
    return (...given) => {
      const { step, queues } = this.#mark;
      if (groupOf(step) === undefined) {
        throw new ConfigError(
          `ctx.flow.add: step ${step} is part of no group, to which a step could be added. Put it into one: group(step(…)).`,
        );
      }
      for (const node of given) {
        if (!isNode(node))
          throw new ConfigError(`ctx.flow.add: must be what step, chain, group or chord returns; got ${shown(node)}.`);
      }
      const { registry, now, trace } = this.#deps;
      const written = flowNodes(
        // Whether somebody takes their list, is not known here.
        given.map((node, i) => [String(this.#members + i), node, false, true] as const),
        { registry, ifStepFails: 'stop', queues: [...queues], moreQueues: false, now: now(), trace },
      );
      const size = written.nodes.reduce((sum, { path, text }) => sum + path.length + text.length, this.#size);
      if (size > MOST_ADDED) {
        throw new ConfigError(
          `ctx.flow.add: one step adds steps of ${MOST_ADDED} characters at the most; with these ${given.length} it is ${size}. Let those that it adds add the others, or start a flow of their own: startFlow(ctx, …).`,
        );
      }
      this.#size = size;
      for (const node of written.nodes) this.#nodes.push(node);
      this.#members += given.length;
      this.#steps += written.steps;
      // A schema that takes its time is run by the worker that gets the job.
      for (const check of written.checks) check.catch(() => {});
    };
  }
}
