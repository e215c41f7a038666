import type { Progress } from '../job/progress.ts';
import type { Effect, Job, RawJob } from '../types.ts';
import { progressEffect, runningStatus, startUnlock } from './effects.ts';
import type { PluginEffects } from './plugin-effects.ts';

/** What the starts of jobs change in Redis, until the next sync takes it along; of a job that has ended by then, nothing. */
export class StartEffects {
  readonly #plugins: PluginEffects;
  /** Of php-resque's status records, by id: of two jobs with one id the last one counts. */
  readonly #statuses = new Map<string, Effect<'status'>>();
  readonly #others = new Map<RawJob, readonly Effect[]>();
  readonly #progress = new Map<RawJob, Effect>();

  constructor(plugins: PluginEffects) {
    this.#plugins = plugins;
  }

  /** @param now Redis's time, epoch ms  @returns whether there is something to tell */
  started(job: Job, now: number): boolean {
    const status = runningStatus(job, now);
    if (status) this.#statuses.set(status.id, status);
    const effects = [...startUnlock(job), ...(job.plugins ? this.#plugins.started(job, now) : [])];
    if (effects.length > 0) this.#others.set(job.raw, effects);
    return job.statusId !== undefined || effects.length > 0;
  }

  /** How far it has come; the last one counts. @returns whether it has a record for that */
  progress({ statusId, raw }: Job, progress: Progress): boolean {
    if (statusId === undefined) return false;
    this.#progress.set(raw, progressEffect(statusId, progress));
    return true;
  }

  /** @returns what its status record was not told yet: when it started, and how far it has come */
  ended({ raw, statusId }: Job): { readonly started: string | undefined; readonly progress: Effect | undefined } {
    this.#others.delete(raw);
    if (statusId === undefined) return { started: undefined, progress: undefined };
    const told = { started: this.#statuses.get(statusId)?.started, progress: this.#progress.get(raw) };
    this.#statuses.delete(statusId);
    this.#progress.delete(raw);
    return told;
  }

  take(): Effect[] {
    const effects = [...this.#statuses.values(), ...[...this.#others.values()].flat(), ...this.#progress.values()];
    this.clear();
    return effects;
  }

  clear(): void {
    this.#statuses.clear();
    this.#others.clear();
    this.#progress.clear();
  }
}
