import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  type AnyJobDefinition,
  ConfigError,
  type JobCallbacks,
  type JobDefaults,
  type Middleware,
} from '../../shared/index.ts';
import { createRegistry, type Registry, shown } from '../../shared/internal.ts';
import { loadModule, type ModuleExports } from './load.ts';
import { requireModule } from './require.ts';

/**
 * The job classes of a module, whose default export is an array of definitions; and its exports `defaults`, `middleware` and
 * `callbacks`, where it has them.
 * @param path from the working directory
 * @throws ConfigError
 */
export async function importJobs(path: string): Promise<Registry> {
  fileOf(path);
  return registryIn(await loadModule(path), path);
}

/**
 * `importJobs` for a constructor, which cannot wait: the job classes as functions will know them. The module's code runs here.
 * @param path from the working directory, which is the folder of cdk.json
 * @throws ConfigError that begins with `jobs`, as the prop is called
 */
export function requireJobs(path: string): Registry {
  try {
    const file = fileOf(path);
    const registry = required.get(file) ?? registryIn(requireModule(path), path);
    required.set(file, registry);
    return registry;
  } catch (cause) {
    throw new ConfigError(`jobs: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** By absolute path: several constructs of one app have the same jobs. */
const required = new Map<string, Registry>();

function fileOf(path: string): string {
  if (typeof path !== 'string')
    throw new ConfigError(`give the path of a module, such as 'functions/jobs/index.ts'; got ${shown(path)}.`);
  const file = resolve(path);
  if (existsSync(file)) return file;
  throw new ConfigError(
    `the module ${path} does not exist (looked at ${file}). Give one whose default export is an array of defineJob({…}).`,
  );
}

const registryIn = (module: ModuleExports, path: string) => registryOf(module.default, path, module);

/** The job classes that a module exports. @param more what it exports besides  @throws ConfigError */
export function registryOf(exported: unknown, path: string, more: Omit<ModuleExports, 'default'> = {}): Registry {
  if (!Array.isArray(exported)) {
    throw new ConfigError(
      `the module ${path} must export an array of definitions by default, like: export default [Hello]; ` +
        `its default export is ${nameOf(exported)}.`,
    );
  }
  return createRegistry(
    exported as AnyJobDefinition[],
    more.middleware as Middleware[] | undefined,
    more.defaults as JobDefaults | undefined,
    more.callbacks as JobCallbacks | undefined,
  );
}

export function nameOf(exported: unknown): string {
  if (exported === undefined) return 'missing';
  if (exported === null) return 'null';
  if (Array.isArray(exported)) return 'an array';
  if (typeof exported !== 'object') return `a ${typeof exported}`;
  return 'class' in exported && 'perform' in exported ? 'one definition, not a list' : 'an object';
}
