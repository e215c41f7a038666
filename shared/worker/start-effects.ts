import type { Effect, Job, RawJob } from '../types.ts';
import { phpStatus } from '../wire/php-status.ts';
import type { PluginEffects } from './plugin-effects.ts';

/** What the starts of jobs change in Redis, until the next sync takes it along; of a job that has ended by then, nothing. */
export class StartEffects {
  readonly #plugins: PluginEffects;
  /** Of php-resque's status records, by id: of two jobs with one id the last one counts. */
  readonly #statuses = new Map<string, Effect<'status'>>();
  readonly #others = new Map<RawJob, readonly Effect[]>();

  constructor(plugins: PluginEffects) {
    this.#plugins = plugins;
  }

  /** @param now Redis's time, epoch ms  @returns whether there is something to tell */
  started(job: Job, now: number): boolean {
    if (job.statusId !== undefined) this.#statuses.set(job.statusId, phpStatus(job.statusId, 'running', now));
    const effects = job.plugins ? this.#plugins.started(job, now) : [];
    if (effects.length > 0) this.#others.set(job.raw, effects);
    return job.statusId !== undefined || effects.length > 0;
  }

  /** @returns when it started, of a job whose status record was not told yet */
  ended(job: Job): string | undefined {
    this.#others.delete(job.raw);
    if (job.statusId === undefined) return undefined;
    const started = this.#statuses.get(job.statusId)?.started;
    this.#statuses.delete(job.statusId);
    return started;
  }

  take(): Effect[] {
    const effects = [...this.#statuses.values(), ...[...this.#others.values()].flat()];
    this.clear();
    return effects;
  }

  clear(): void {
    this.#statuses.clear();
    this.#others.clear();
  }
}
