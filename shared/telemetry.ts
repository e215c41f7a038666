/** Where a trace is, as W3C's headers have it. It stands in a payload under these names, as OpenTelemetry for Ruby writes it. */
export interface TraceContext {
  /** `00-<trace id>-<span id>-<flags>`. */
  readonly traceparent: string;
  /** What vendors add. */
  readonly tracestate?: string;
}

// Only versions after 00 may have more behind it.
const TRACEPARENT = /^(?!ff|00.{53}.)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
/** Characters: longer ones may be dropped, as W3C has it. */
const MOST_STATE = 512;

/** What a payload says of its trace; undefined for what is none. */
export function traceContext(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const hasState = typeof tracestate === 'string' && tracestate !== '' && tracestate.length <= MOST_STATE;
  return hasState ? { traceparent, tracestate } : { traceparent };
}

/** The trace's id: 32 hex digits. */
export function traceIdOf(trace: TraceContext | undefined): string | undefined {
  return trace && TRACEPARENT.exec(trace.traceparent)?.[1];
}

/** A job that was enqueued, for its span. */
export interface SentJob {
  /** Where it is, or will be. */
  readonly queue: string;
  /** Where its payload has one. */
  readonly id: string | undefined;
}

/** A job that runs, for its span. */
export interface TracedJob extends SentJob {
  /** What stands in the payload. */
  readonly class: string;
  /** From 1. */
  readonly attempt: number;
  /** That its payload carries. */
  readonly trace?: TraceContext;
}

/** What the worker and the scheduler do besides running jobs. */
export interface Operation {
  /** A worker's round trip, or a run of the scheduler. */
  readonly name: 'sync' | 'tick';
  /** Epoch ms, by the machine's clock. */
  readonly startedAt: number;
  /** How many of what, by name; those that are 0 are left out. */
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * Traces of enqueues, runs, syncs and ticks, for `createClient`, `createWorker` and the handlers of `lambdesque/lambda`. What
 * `openTelemetry(api)` of `lambdesque/opentelemetry` returns is one. Nothing here may throw for reasons of its own.
 */
export interface Telemetry {
  /**
   * Around an enqueue.
   * @param push is given the trace that the payloads carry; undefined where none is active
   */
  enqueue<Jobs extends readonly SentJob[]>(push: (trace: TraceContext | undefined) => Promise<Jobs>): Promise<Jobs>;
  /** Around a run of a handler. @returns what it returns */
  run(job: TracedJob, signal: AbortSignal, handler: () => unknown): unknown;
  /** After a sync or a tick that did something. */
  did(operation: Operation): void;
  /** Before a function is frozen: what was traced is sent. */
  flush(): Promise<void>;
}
