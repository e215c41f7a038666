import type { FlowStarter } from '../broker/flow-broker.ts';
import type { Clock } from '../clock.ts';
import { workerDefaults } from '../config.ts';
import { LambdesqueError, ShutdownError } from '../errors.ts';
import type { JobContext } from '../job/context.ts';
import type { AnyJobDefinition, JobDefinition } from '../job/define.ts';
import type { Enqueue } from '../job/enqueue.ts';
import type { Middleware } from '../job/middleware.ts';
import type { Progress } from '../job/progress.ts';
import { type BoundJob, createRegistry, type Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { Outcome, RawJob } from '../types.ts';
import type { Attempt, Ended } from '../worker/attempt.ts';
import { outcomeOfFailure } from '../worker/attempt-outcome.ts';
import { bind } from '../worker/bind.ts';
import type { FlowHost } from '../worker/flow-host.ts';
import { RunningJobs } from '../worker/running-jobs.ts';
import type { EnqueuedJob, JobRun, StartedInTest } from './job-run.ts';
import { MemoryFlows } from './memory-flows.ts';
import { recordingLogger } from './recording-logger.ts';

/** First part of the ids of jobs that have none. */
const TOKEN = 'test';

/** A payload as a worker reserves it. */
export function reserved(queue: string, payload: string): RawJob {
  const bytes = Buffer.from(payload);
  return { queue, seq: 1, size: bytes.length, bytes, text: payload };
}

interface TestWorkerDeps {
  readonly clock: Clock;
  /** Around every handler, outermost first. */
  readonly middleware: readonly Middleware[];
  /** Where the flows are that jobs start. @default its own */
  readonly flows?: MemoryFlows;
}

/** What one attempt gets besides its payload. */
interface RunDeps {
  readonly registry: Registry;
  /** What its handler enqueues with. */
  readonly enqueue: Enqueue;
  /** What that has enqueued. */
  readonly enqueued: readonly EnqueuedJob[];
  readonly signal: AbortSignal | undefined;
}

interface AttemptDeps {
  readonly log: Logger;
  readonly enqueue: Enqueue;
  readonly flows: FlowHost;
  /** What its handler says of how far it has come. */
  readonly progress: Progress[];
  readonly signal: AbortSignal | undefined;
}

/** Runs payloads one at a time, by the parts that a worker is made of, and keeps what comes of each. */
export class TestWorker {
  readonly #deps: TestWorkerDeps;
  readonly #flows: MemoryFlows;
  /** What `perform` has returned, by its context. */
  readonly #returned = new WeakMap<JobContext, unknown>();

  constructor(deps: TestWorkerDeps) {
    this.#deps = deps;
    this.#flows = deps.flows ?? new MemoryFlows(deps.clock);
  }

  /** Handlers whose results are kept. @throws ConfigError as `createRegistry` does */
  registry(definitions: readonly AnyJobDefinition[]): Registry {
    // Anything else than definitions is for the registry to refuse.
    const watched = definitions.map((one) =>
      typeof one?.perform === 'function' ? this.#watched(one as JobDefinition) : one,
    );
    return createRegistry(watched, this.#deps.middleware);
  }

  /** One attempt. Rejects with nothing that the handler throws. */
  async run(raw: RawJob, { registry, enqueue, enqueued, signal }: RunDeps): Promise<JobRun> {
    const log = recordingLogger();
    const bound = bind(raw, TOKEN, {
      registry,
      options: workerDefaults,
      now: () => this.#deps.clock.now(),
      orders: { anyCancelled: false, cancelled: () => undefined },
    });
    if ('error' in bound) throw bound.error;
    if ('outcome' in bound)
      return {
        ...outcomeFields(bound.outcome, undefined),
        result: undefined,
        progress: [],
        enqueued,
        flows: [],
        logs: log.lines,
      };
    const progress: Progress[] = [];
    const flows: StartedInTest[] = [];
    const { attempt, outcome } = await this.#attempt(bound, {
      log,
      enqueue,
      flows: this.#flowsInto(flows, registry),
      progress,
      signal,
    });
    if (outcome.kind === 'retried' && outcome.warning) log.warn(outcome.warning, { class: bound.job.class });
    const result = outcome.kind === 'succeeded' ? await this.#returned.get(attempt) : undefined;
    return { ...outcomeFields(outcome, attempt.aborted), result, progress, enqueued, flows, logs: log.lines };
  }

  /** Without Redis; what is started is kept. */
  #flowsInto(into: StartedInTest[], registry: Registry): FlowHost {
    const kept: FlowStarter = {
      writeNodes: this.#flows.writeNodes,
      startFlow: async (flow) => {
        const answer = await this.#flows.startFlow(flow);
        const { id, name, queues, steps } = flow;
        if (answer.state === 'started') into.push({ id, name, queues, steps });
        return answer;
      },
    };
    return { open: () => kept, registry, now: () => this.#deps.clock.now() };
  }

  async #attempt(bound: BoundJob, deps: AttemptDeps) {
    const { clock } = this.#deps;
    const { attempts, timeout, abortGrace } = workerDefaults;
    const { promise, resolve } = Promise.withResolvers<{ attempt: Attempt; ended: Ended }>();
    const running = new RunningJobs({
      concurrency: 1,
      abortGrace,
      deps: {
        clock,
        log: deps.log,
        enqueue: deps.enqueue,
        flows: deps.flows,
        onProgress: (_job, progress) => deps.progress.push(progress),
        deadline: undefined,
        redisNow: () => clock.now(),
        attempts,
        timeout,
      },
      onEnd: (attempt, ended) => resolve({ attempt, ended }),
      onDropped() {},
    });
    const startedAt = clock.now();
    let cancel = () => {};
    const watch = () => {
      cancel();
      running.sweep();
      cancel =
        running.used > 0 && running.dueAt < Infinity ? clock.after(running.dueAt - clock.now(), watch) : () => {};
    };
    const abort = () => {
      running.abortAll(abortReason(deps.signal));
      watch();
    };
    running.start(bound);
    watch();
    if (deps.signal?.aborted) abort();
    deps.signal?.addEventListener('abort', abort, { once: true });
    const { attempt, ended } = await promise;
    cancel();
    deps.signal?.removeEventListener('abort', abort);
    const outcome: Outcome = ended.ok
      ? { kind: 'succeeded' }
      : outcomeOfFailure(attempt, {
          thrown: ended.thrown,
          now: clock.now(),
          workerStartedAt: startedAt,
          defaultAttempts: attempts,
        });
    return { attempt, outcome };
  }

  #watched(definition: JobDefinition): JobDefinition {
    return {
      ...definition,
      perform: (args, ctx) => {
        const returned = definition.perform(args, ctx);
        this.#returned.set(ctx, returned);
        return returned;
      },
    };
  }
}

/** A test's signal stands for the worker's own reasons; without one of those, the worker is told to stop. */
function abortReason(signal: AbortSignal | undefined): unknown {
  const reason: unknown = signal?.reason;
  return reason instanceof LambdesqueError
    ? reason
    : new ShutdownError('The worker is shutting down.', { cause: reason });
}

function outcomeFields(outcome: Outcome, aborted: unknown): Pick<JobRun, 'outcome' | 'error' | 'delay'> {
  return {
    outcome: outcome.kind,
    error: 'error' in outcome ? outcome.error : outcome.kind === 'released' ? aborted : undefined,
    delay: outcome.kind === 'retried' ? outcome.delay : undefined,
  };
}
