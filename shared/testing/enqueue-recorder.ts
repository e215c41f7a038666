import { createEnqueuer, type EnqueueItem, type Enqueuer } from '../client/enqueuer.ts';
import type { Clock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { AnyJobDefinition } from '../job/define.ts';
import type { Enqueued, Target } from '../job/enqueue.ts';
import type { Registry } from '../job/registry.ts';
import { idOf, jobIn } from './decode-enqueued.ts';
import type { EnqueuedJob, JobRun } from './job-run.ts';
import { reserved, type TestWorker } from './test-worker.ts';

/** Where what was enqueued is written to. */
export type EnqueueStore = Parameters<typeof createEnqueuer>[0]['store'];

interface RecorderDeps {
  readonly worker: TestWorker;
  /** Finds the definitions of class names. */
  readonly registry: Registry;
  readonly clock: Clock;
  readonly store: EnqueueStore;
  /** Run what is enqueued at once. */
  readonly inline: boolean;
  /** And reject with what that throws. */
  readonly rethrow: boolean;
  /** Most jobs that one call may lead to. */
  readonly limit: number;
  /** Called for each job, before it runs. */
  readonly onEnqueued?: (job: EnqueuedJob) => void;
}

/** What one call has led to so far. */
export class Chain {
  jobs = 0;
  /** What is wrong with the test, rather than with a job: whoever began the chain has to hear it. */
  problem: ConfigError | undefined;
}

/** What was enqueued, and by which definition or name. */
interface Asked {
  readonly done: Enqueued;
  readonly target: Target;
}

type OpenJob = { -readonly [Field in keyof EnqueuedJob]: EnqueuedJob[Field] };

/** Enqueues as a client does, keeps what was enqueued, and inline runs it at once, depth first. */
export class EnqueueRecorder {
  readonly #deps: RecorderDeps;
  readonly #inner: Enqueuer;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    const now = () => Math.floor(deps.clock.now());
    this.#inner = createEnqueuer({ store: deps.store, registry: deps.registry, now, wallClock: now });
  }

  /** For one handler: what it enqueues is kept in `into`, and is a part of the chain that has led to it. */
  enqueuer(into: EnqueuedJob[], chain: Chain): Enqueuer {
    return this.#enqueuer((jobs) => this.#keepAll(jobs, into, chain));
  }

  /** For a client: each call begins a chain. */
  rootEnqueuer(): Enqueuer {
    return this.#enqueuer((jobs) => this.#begin(jobs));
  }

  /** For what writes payloads itself. */
  async enqueuePayloads(items: readonly Pick<Enqueued, 'queue' | 'payload'>[]): Promise<void> {
    await this.#deps.store.enqueue(items);
    await this.#begin(
      items.map((one) => ({ done: { ...one, at: undefined, id: undefined, duplicate: false }, target: '' })),
    );
  }

  #enqueuer(keepAll: (jobs: readonly Asked[]) => Promise<void>): Enqueuer {
    return {
      enqueue: async (job, args, options) => {
        const done = await this.#inner.enqueue(job, args, options);
        await keepAll([{ done, target: job as Target }]);
        return done;
      },
      enqueueAll: async (items: readonly EnqueueItem[]) => {
        const all = await this.#inner.enqueueAll(items);
        await keepAll(all.map((done, i) => ({ done, target: items[i]?.job ?? '' })));
        return all;
      },
    };
  }

  async #begin(jobs: readonly Asked[]): Promise<void> {
    const chain = new Chain();
    await this.#keepAll(jobs, undefined, chain);
    if (chain.problem) throw chain.problem;
  }

  async #keepAll(jobs: readonly Asked[], into: EnqueuedJob[] | undefined, chain: Chain): Promise<void> {
    for (const { done, target } of jobs) if (!done.duplicate) await this.#keep(done, target, into, chain);
  }

  async #keep(done: Enqueued, target: Target, into: EnqueuedJob[] | undefined, chain: Chain): Promise<void> {
    const { clock, onEnqueued, inline } = this.#deps;
    const job = jobIn(done, target);
    const kept: OpenJob = {
      class: job.class,
      args: job.args,
      queue: done.queue,
      at: done.at,
      enqueuedAt: new Date(clock.now()),
      id: idOf(job),
      payload: done.payload,
      run: undefined,
    };
    into?.push(kept);
    onEnqueued?.(kept);
    if (inline) await this.#runInline(kept, job.activeJob !== undefined, target, chain);
  }

  async #runInline(kept: OpenJob, activeJob: boolean, target: Target, chain: Chain): Promise<void> {
    const { worker, limit, rethrow } = this.#deps;
    const refuse = (message: string): never => {
      chain.problem ??= new ConfigError(message);
      throw chain.problem;
    };
    if (++chain.jobs > limit) {
      refuse(
        `inline: one call has led to ${limit} jobs, and ${kept.class} would be one more. Do they enqueue each other ` +
          'without an end? If not, give a higher limit.',
      );
    }
    const registry = this.#handlersFor(kept.class, activeJob, target);
    if (!registry) {
      refuse(`inline: nothing runs the class ${kept.class}. Give its definition in jobs, or one that stands for it.`);
    }
    const enqueued: EnqueuedJob[] = [];
    const { enqueue } = this.enqueuer(enqueued, chain);
    const run = await worker.run(reserved(kept.queue, kept.payload), {
      registry: registry as Registry,
      enqueue,
      enqueued,
      signal: undefined,
    });
    kept.run = run;
    if (rethrow && hasThrown(run)) throw run.error;
  }

  /** By class, as a worker does; what is in none of its lists is run by the definition that it was enqueued with. */
  #handlersFor(className: string, activeJob: boolean, target: Target): Registry | undefined {
    const { registry, worker } = this.#deps;
    if (registry.handlerFor(className, activeJob)) return registry;
    return isDefinition(target) ? worker.registry([target]) : undefined;
  }
}

function isDefinition(target: Target): target is AnyJobDefinition & Target {
  return typeof target === 'object' && 'perform' in target;
}

function hasThrown({ outcome }: JobRun): boolean {
  return outcome === 'failed' || outcome === 'retried' || outcome === 'released';
}
