import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Registry } from '../../shared/internal.ts';
import { registryOf } from '../modules/definitions.ts';
import { requireModule } from '../modules/require.ts';

/**
 * The job classes of a module, as the functions will know them. Its code runs here, at synth.
 * @param path from the working directory, which is the folder of cdk.json
 * @throws Error
 */
export function loadJobs(path: string): Registry {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new Error(
      `jobs: there is no file ${JSON.stringify(path)} (paths start at the folder of cdk.json). ` +
        'Give a module whose default export is an array of defineJob({…}).',
    );
  }
  const known = loaded.get(file);
  if (known) return known;
  try {
    const registry = registryOf(requireModule(path), path);
    loaded.set(file, registry);
    return registry;
  } catch (cause) {
    throw new Error(`jobs: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** By absolute path: several constructs of one app have the same jobs. */
const loaded = new Map<string, Registry>();
