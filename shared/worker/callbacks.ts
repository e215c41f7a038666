import { type Clock, sleep } from '../clock.ts';
import type { EndedJob, JobCallbacks } from '../job/callbacks.ts';
import type { Registry } from '../job/registry.ts';
import { parseWithBigInts } from '../json.ts';
import type { Logger } from '../log.ts';
import type { Job, Outcome } from '../types.ts';
import { errorFields } from '../wire/failed-entry.ts';

/** The callbacks of definitions, and those for jobs of all classes. */
export class Callbacks {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #running = new Set<Promise<unknown>>();

  constructor(registry: Registry, clock: Clock, log: Logger) {
    this.#registry = registry;
    this.#clock = clock;
    this.#log = log;
  }

  ended(job: Job, outcome: Outcome): void {
    const { callbacks } = this.#registry;
    if (!callbacks.exist || outcome.kind === 'released' || outcome.kind === 'discarded') return;
    const { class: name, activeJob } = job;
    const own = this.#registry.handlerFor(name, activeJob !== undefined)?.definition;
    for (const one of [own, callbacks.ofAll]) if (one) this.#call(one, job, outcome);
  }

  /** Resolves when all that were called have ended, or after so many ms. Never rejects. */
  async settled(ms: number): Promise<void> {
    if (this.#running.size === 0) return;
    const over = new AbortController();
    await Promise.race([Promise.allSettled(this.#running), sleep(this.#clock, ms, over.signal)]);
    over.abort();
    if (this.#running.size > 0) this.#log.error('Callbacks have not ended in time', { callbacks: this.#running.size });
  }

  #call(callbacks: JobCallbacks, job: Job, outcome: Outcome): void {
    try {
      const answer = called(callbacks, job, outcome);
      if (typeof (answer as { then?: unknown } | undefined)?.then !== 'function') return;
      const running = Promise.resolve(answer).then(
        () => {},
        (error) => this.#failed(job, error),
      );
      this.#running.add(running);
      void running.then(() => this.#running.delete(running));
    } catch (error) {
      this.#failed(job, error);
    }
  }

  #failed({ class: name, raw, id }: Job, error: unknown): void {
    const message = 'A callback failed; the job that it was about is not affected';
    this.#log.error(message, { class: name, queue: raw.queue, id, ...errorFields(error) });
  }
}

function called(callbacks: JobCallbacks, job: Job, outcome: Outcome): unknown {
  const { class: name, raw, id, attempt, payload, args } = job;
  const ended: EndedJob = { class: name, queue: raw.queue, id, attempt, payload, args };
  switch (outcome.kind) {
    case 'succeeded': {
      const { result } = outcome;
      return callbacks.onSucceeded?.(ended, result && 'json' in result ? parseWithBigInts(result.json) : undefined);
    }
    case 'retried':
      return callbacks.onRetrying?.(ended, outcome.error);
    case 'failed':
      return callbacks.onFailed?.(ended, outcome.error);
    default:
      return undefined;
  }
}
