import * as nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { ConfigError, LambdesqueError } from '../../shared/index.ts';
import { errorFields } from '../../shared/internal.ts';
import { bundleModule } from './bundle.ts';
import { tellWatch } from './dev-channel.ts';

/** How long a module may take to load, ms: one whose top-level await never ends must not hang who loads it. */
const LOAD_LIMIT = 60_000;

/** What a module of the user's exports. */
export interface ModuleExports {
  readonly default?: unknown;
  /** Of a jobs module: options by pattern. */
  readonly defaults?: unknown;
  /** Around every handler. */
  readonly middleware?: unknown;
  /** For jobs of all classes. */
  readonly callbacks?: unknown;
}

/**
 * A module of the user's. It is bundled first, so that what works in a function works here.
 * @param path from the working directory
 * @param limit ms
 * @throws ConfigError that says where in the user's code it went wrong
 */
export async function loadModule(path: string, limit = LOAD_LIMIT): Promise<ModuleExports> {
  const inputs = new Set<string>();
  // Also of what cannot be bundled or loaded: the next change may mend it.
  const bundled = await bundleModule(path, (file) => inputs.add(file)).finally(() => tellWatch({ files: [...inputs] }));
  try {
    mapStacks();
    return await within<ModuleExports>(limit, import(pathToFileURL(bundled.file).href));
  } catch (error) {
    throw loadError(error, path);
  } finally {
    await bundled.remove();
  }
}

/** From now on stacks lead to the files that were bundled. */
export function mapStacks(): void {
  // Node.js 22.12 has only the other one.
  const { setSourceMapsSupport } = nodeModule as Partial<typeof nodeModule>;
  if (setSourceMapsSupport) setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
  else process.setSourceMapsEnabled(true);
}

/** What a module threw while it was loaded, with the lines of its stack that lead to the user's code. */
export function loadError(thrown: unknown, path: string): LambdesqueError {
  if (thrown instanceof LoadTimeout) return new ConfigError(`the module ${path} ${thrown.message}`);
  const { error, stack = '' } = errorFields(thrown);
  const theirs = stack.split('\n').filter((line) => line !== '' && !line.includes('node:'));
  // A mistake in a definition says by itself what is wrong.
  const what = thrown instanceof LambdesqueError ? `: ${thrown.message}` : ` cannot be loaded: ${error}`;
  return new ConfigError([`the module ${path}${what}`, ...theirs].join('\n    '), { cause: thrown });
}

class LoadTimeout extends Error {}

async function within<Result>(limit: number, loading: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const reason = `did not load within ${limit / 1_000} s: a top-level await, in it or in what it imports, does not end.`;
    timer = setTimeout(() => reject(new LoadTimeout(reason)), limit);
  });
  try {
    return await Promise.race([loading, late]);
  } finally {
    clearTimeout(timer);
  }
}
