import type { FlowStarter } from '../broker/flow-broker.ts';
import { durationMs } from '../duration.ts';
import { ConfigError, LambdesqueError } from '../errors.ts';
import type { FlowNodeText } from '../flow-mark.ts';
import { checkRunning, isNode } from '../job/flow.ts';
import { flowNodes, takesInput } from '../job/flow-nodes.ts';
import type { FlowOptions, MakeFlow, StartedFlow } from '../job/flow-options.ts';
import type { Registry } from '../job/registry.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import type { SentJob, Telemetry, TraceContext } from '../telemetry.ts';
import { FLOW_ID } from '../wire/flow.ts';
import { newId } from '../wire/payload.ts';
import { CHUNK_CHARACTERS, CHUNK_JOBS } from './push.ts';

interface FlowDeps {
  readonly store: FlowStarter;
  readonly registry?: Registry | undefined;
  readonly telemetry?: Telemetry | undefined;
  /** Redis's time, epoch ms. */
  readonly now: () => number | Promise<number>;
  /** Called after one was started, with the time, epoch ms: see `EnqueuerDeps.onDue`. */
  readonly onDue?: ((at: number) => void) | undefined;
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
  overlap: true,
} satisfies OptionsOf<FlowOptions>;
const KEEP_MS = 86_400_000;

export function flowMaker({ store, registry, telemetry, now, onDue }: FlowDeps): MakeFlow {
  return (node, options = {}) => {
    checkOptions('flow', options, OPTIONS);
    if (!isNode(node)) {
      throw new ConfigError(
        `flow: must be what step, chain, group or chord returns, such as chain(step(Hello, ['hi'])); got ${shown(node)}.`,
      );
    }
    const checked = check(options);
    const { id, name = '', running, queues = [], overlap = 'allow' } = checked;
    let started: StartedFlow = { id, duplicate: true, overlaps: undefined };
    const start = async (trace?: TraceContext): Promise<readonly SentJob[]> => {
      const time = await now();
      const names = [...queues];
      const roots = [
        ['0', node, false, takesInput(checked.onSuccess)] as const,
        ...(checked.onSuccess ? [['success', checked.onSuccess, true, false] as const] : []),
        ...(checked.onFailure ? [['failure', checked.onFailure, true, false] as const] : []),
      ];
      const { nodes, steps, sent, checks } = flowNodes(roots, {
        registry,
        queues: names,
        ifStepFails: checked.ifStepFails,
        now: time,
        trace,
      });
      await Promise.all(checks);
      for (const some of chunksOf(nodes)) if (!(await store.writeNodes(id, some))) return [];
      const { state, overlaps, wrong } = await store.startFlow({
        id,
        name,
        queues: names,
        running,
        nodes: nodes.length,
        steps: steps - (roots.length - 1),
        expires: checked.expires === undefined ? undefined : time + checked.expires,
        keep: checked.keep,
        alone: overlap === 'skip',
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
      started = { id, duplicate: state === 'was started', overlaps };
      if (state !== 'started') return [];
      onDue?.(time);
      return sent;
    };
    return {
      id,
      async enqueue() {
        await (telemetry ? telemetry.enqueue(start) : start());
        return started;
      },
    };
  };
}

function check(options: FlowOptions) {
  const {
    id = newId(),
    onSuccess,
    onFailure,
    ifStepFails = 'stop',
    running,
    expires,
    keep,
    queues,
    name,
    overlap,
  } = options;
  if (typeof id !== 'string' || !FLOW_ID.test(id)) {
    throw new ConfigError(
      `flow: id must be 1 to 200 letters, digits and _.:-, such as 'report-2026-11'; got ${shown(id)}.`,
    );
  }
  if (name !== undefined && typeof name !== 'string')
    throw new ConfigError(`flow: name must be a text; got ${shown(name)}.`);
  if (overlap !== undefined && overlap !== 'allow' && overlap !== 'skip') {
    throw new ConfigError(`flow: overlap must be 'allow' or 'skip'; got ${shown(overlap)}.`);
  }
  if (overlap === 'skip' && !name) {
    throw new ConfigError("flow: overlap 'skip' is about flows of one name: give it, such as name: 'nightly'.");
  }
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
    expires: expires === undefined ? undefined : durationMs(expires, 'flow: expires', { least: 1, refuseSmall: true }),
    keep: keep === undefined ? KEEP_MS : durationMs(keep, 'flow: keep', { least: 1_000, refuseSmall: true }),
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
