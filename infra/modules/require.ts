import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../../shared/index.ts';
import { loadError, type ModuleExports, mapStacks } from './load.ts';

/** How long bundling may take, ms. */
const LIMIT = 60_000;

/**
 * `loadModule` for a constructor, which cannot wait: the module is bundled by a process of its own, and then required.
 * @param path from the working directory
 * @throws ConfigError as `loadModule`, and for a module with a top-level await, which cannot be required
 */
export function requireModule(path: string): ModuleExports {
  const file = bundleNow(path);
  // Who makes stacks of their own (test runners, ts-node) would not know of the bundle's source map.
  const prepareStackTrace: unknown = Error.prepareStackTrace;
  Reflect.deleteProperty(Error, 'prepareStackTrace');
  try {
    mapStacks();
    return createRequire(import.meta.url)(file) as ModuleExports;
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw loadError(error, path);
    throw new ConfigError(
      `the module ${path} cannot be loaded: it, or a module that it imports, has a top-level await. Await inside perform.`,
      { cause: error },
    );
  } finally {
    if (prepareStackTrace !== undefined) Object.assign(Error, { prepareStackTrace });
    rmSync(dirname(file), { recursive: true, force: true });
  }
}

function bundleNow(path: string): string {
  // Beside this file, with its extension: .ts here, .js in the published package.
  const command = fileURLToPath(import.meta.url).replace(/require(\.\w+)$/, 'bundle-command$1');
  const { stdout, stderr, error } = spawnSync(process.execPath, [command, path], { encoding: 'utf8', timeout: LIMIT });
  let result: { readonly file?: string; readonly error?: string };
  try {
    result = JSON.parse(stdout);
  } catch (cause) {
    throw new ConfigError(`the module ${path} could not be bundled: ${error?.message ?? stderr}`, { cause });
  }
  if (result.file === undefined) throw new ConfigError(result.error ?? '');
  return result.file;
}
