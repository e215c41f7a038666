import type { Logger } from '../log.ts';
import type { Effect, Job, Outcome, PluginHooks } from '../types.ts';

/** What the plugins of a job's definition change in Redis. One that fails is told, and stops neither its job nor the others. */
export class PluginEffects {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Before its handler is called. */
  before(job: Job): readonly Effect<'clearKey'>[] {
    return this.#all(job, (plugin) => plugin.before?.(job));
  }

  /** @param now Redis's time, epoch ms */
  started(job: Job, now: number): readonly Effect[] {
    return this.#all(job, (plugin) => plugin.started?.(job, now));
  }

  ended(job: Job, outcome: Outcome, now: number): readonly Effect[] {
    return this.#all(job, (plugin) => plugin.ended?.(job, outcome, now));
  }

  #all<Kind extends Effect>(
    job: Job,
    effectsOf: (plugin: PluginHooks) => readonly Kind[] | undefined,
  ): readonly Kind[] {
    const { plugins = [], class: name, id, raw } = job;
    return plugins.flatMap((plugin) => {
      try {
        return effectsOf(plugin as PluginHooks) ?? [];
      } catch (error) {
        const message = `The keys of ${plugin.gem} could not be told of this job: they stay as they are`;
        this.#log.error(message, { class: name, queue: raw.queue, id, error });
        return [];
      }
    });
  }
}
