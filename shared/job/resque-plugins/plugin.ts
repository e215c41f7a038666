import { ConfigError } from '../../errors.ts';
import { shown } from '../../options.ts';
import type { Outcome, ResquePlugin } from '../../types.ts';

/** The job has no attempts left, or needs none. */
export function isOver({ kind }: Outcome): boolean {
  return kind !== 'retried' && kind !== 'released';
}

/** @throws ConfigError */
export function checkFunction(where: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return;
  throw new ConfigError(`${where} must be a function of the job's arguments; got ${shown(value)}.`);
}

/** @throws ConfigError */
export function checkPlugins(where: string, plugins: unknown): void {
  if (plugins === undefined) return;
  const isPlugin = (one: unknown) => typeof (one as ResquePlugin | null | undefined)?.gem === 'string';
  if (Array.isArray(plugins) && plugins.every(isPlugin)) return;
  throw new ConfigError(
    `${where} must be a list of what resqueRetry(), resqueLoner(), resqueLock() and resqueStatus() return; got ${shown(plugins)}.`,
  );
}
