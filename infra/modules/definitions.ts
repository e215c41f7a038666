import { type AnyJobDefinition, ConfigError } from '../../shared/index.ts';
import { createRegistry, type Registry } from '../../shared/internal.ts';

/** The job classes that a jobs module exports. @throws ConfigError */
export function registryOf(exported: unknown, path: string): Registry {
  if (!Array.isArray(exported)) {
    throw new ConfigError(
      `the module ${path} must export an array of definitions by default, like: export default [Hello]; ` +
        `its default export is ${nameOf(exported)}.`,
    );
  }
  return createRegistry(exported as AnyJobDefinition[]);
}

export function nameOf(exported: unknown): string {
  if (exported === undefined) return 'missing';
  if (exported === null) return 'null';
  if (Array.isArray(exported)) return 'an array';
  if (typeof exported !== 'object') return `a ${typeof exported}`;
  return 'class' in exported && 'perform' in exported ? 'one definition, not a list' : 'an object';
}
