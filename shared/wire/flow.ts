import type { FlowMark } from '../flow-mark.ts';

/** A flow's id stands in keys. */
export const FLOW_ID = /^[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,199}$/;
/** A step's place. */
export const STEP_PATH = /^(?:0(?:[.:]\d+)*|success|failure)$/;

/** What stands under the key `flow` of a step's payload; anything else there is the producer's own. */
export function flowOf(value: unknown): FlowMark | undefined {
  const fields = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const { id, step, queues, running } = fields;
  if (typeof id !== 'string' || typeof step !== 'string' || !FLOW_ID.test(id) || !STEP_PATH.test(step))
    return undefined;
  if (!Array.isArray(queues) || !queues.every((name) => typeof name === 'string' && name !== '')) return undefined;
  const limit = Number.isInteger(running) && (running as number) > 0 ? (running as number) : undefined;
  return { id, step, queues: queues as readonly string[], running: limit };
}

/** The key in a payload, before and behind the step: who pushes the job puts that between them. */
export function flowTexts({ id, queues, running }: Omit<FlowMark, 'step'>): {
  readonly head: string;
  readonly tail: string;
} {
  return {
    head: `,"flow":{"id":${JSON.stringify(id)},"step":"`,
    tail: `","queues":${JSON.stringify(queues)}${running === undefined ? '' : `,"running":${running}`}}`,
  };
}

/** The group of which a step is a part; undefined where there is none. */
export function groupOf(step: string): string | undefined {
  const at = step.lastIndexOf(':');
  return at === -1 ? undefined : step.slice(0, at);
}

/** The flow's mark in the text of a payload; undefined where it has none. */
export function flowOfPayload(payload: string): FlowMark | undefined {
  if (!payload.includes('"flow"')) return undefined;
  try {
    return flowOf((JSON.parse(payload) as { flow?: unknown } | null)?.flow);
  } catch {
    return undefined;
  }
}
