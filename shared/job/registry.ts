import { ConfigError } from '../errors.ts';
import { shown } from '../options.ts';
import type { Job } from '../types.ts';
import { CALLBACKS, checkCallbacks, type JobCallbacks } from './callbacks.ts';
import type { JobContext } from './context.ts';
import { type Defaults, type JobDefaults, jobDefaults } from './defaults.ts';
import type { AnyJobDefinition, Args, JobDefinition } from './define.ts';
import { checkMiddleware, compose, type Middleware } from './middleware.ts';

/** A definition that is ready to run. */
export interface Handler {
  readonly definition: JobDefinition;
  /** `perform` inside the middleware of all jobs and its own. */
  run(args: Args, ctx: JobContext): unknown;
  /** Something else inside that middleware; absent where there is none. */
  around?(ctx: JobContext, inner: () => unknown): unknown;
}

/** A job and what runs it. */
export interface BoundJob {
  readonly job: Job;
  readonly handler: Handler;
}

/** Finds the handler of a class. */
export interface Registry {
  /**
   * @param activeJob it is a class of Rails' ActiveJob, whose name stands inside its wrapper. @default false
   * @param queue of the job, which may have a say in its options
   */
  handlerFor(className: string, activeJob?: boolean, queue?: string): Handler | undefined;
  /** Options by pattern; undefined where there are none. */
  readonly defaults: Defaults | undefined;
  readonly definitions: readonly JobDefinition[];
  /** For jobs of all classes; and whether there are any, of definitions too. */
  readonly callbacks: { readonly ofAll: JobCallbacks; readonly exist: boolean };
}

/** The same handlers, each wrapped when it is first asked for. */
export function wrapHandlers(registry: Registry, wrap: (handler: Handler) => Handler): Registry {
  const wrapped = new Map<Handler, Handler>();
  return {
    definitions: registry.definitions,
    defaults: registry.defaults,
    callbacks: registry.callbacks,
    handlerFor(className, activeJob, queue) {
      const handler = registry.handlerFor(className, activeJob, queue);
      if (!handler) return undefined;
      let same = wrapped.get(handler);
      if (!same) {
        same = wrap(handler);
        wrapped.set(handler, same);
      }
      return same;
    },
  };
}

/**
 * @param definitions a jobs module's default export
 * @param middleware around every handler, outermost first
 * @param groups options by pattern, for definitions that do not say
 * @param callbacks for jobs of all classes
 * @throws ConfigError if a class is defined twice, or something in the list is no definition
 */
export function createRegistry(
  definitions: readonly AnyJobDefinition[],
  middleware: readonly Middleware[] = [],
  groups?: JobDefaults,
  callbacks: JobCallbacks = {},
): Registry {
  if (!Array.isArray(definitions)) {
    throw new ConfigError(
      `jobs must be a list of what defineJob returns, such as [Hello, Report]; got ${shown(definitions)}.`,
    );
  }
  checkMiddleware(middleware, 'middleware');
  checkCallbacks('callbacks', callbacks);
  const byName = new Map<string, Handler>();
  for (const [i, given] of definitions.entries()) {
    const definition = given as JobDefinition;
    if (typeof definition?.perform !== 'function' || typeof definition.definedAt !== 'string') {
      throw new ConfigError(
        `A list of jobs must hold what defineJob returns; entry ${i} is ${definition === null ? 'null' : typeof definition}. ` +
          'Export it like: export default [Hello, Report];',
      );
    }
    const key = keyOf(definition.class, definition.activeJob !== undefined);
    const other = byName.get(key)?.definition;
    if (other) {
      throw new ConfigError(
        `The class ${JSON.stringify(definition.class)} is defined twice: at ${other.definedAt} and at ${definition.definedAt}. ` +
          'Remove one, or give it another class.',
      );
    }
    byName.set(key, handler(definition, middleware));
  }
  const prefixes = [...byName.keys()].filter((name) => name.endsWith('*')).sort((a, b) => b.length - a.length);
  // A class name that was looked up once is found at once; the bound keeps made-up names from filling the memory.
  const found = new Map<string, Handler | undefined>();
  const defaults = groups === undefined ? undefined : jobDefaults(groups);
  const withDefaults = new WeakMap<JobDefinition, Handler>();

  function inQueue(handler: Handler | undefined, className: string, queue: string | undefined): Handler | undefined {
    if (!defaults || !handler) return handler;
    const definition = defaults.of(handler.definition, className, queue ?? handler.definition.queue);
    if (definition === handler.definition) return handler;
    const known = withDefaults.get(definition) ?? { ...handler, definition };
    withDefaults.set(definition, known);
    return known;
  }

  return {
    definitions: [...byName.values()].map((one) => one.definition),
    defaults,
    callbacks: {
      ofAll: callbacks,
      exist: [callbacks, ...[...byName.values()].map((one) => one.definition)].some(hasCallbacks),
    },
    handlerFor: (className, activeJob = false, queue) => inQueue(find(className, activeJob), className, queue),
  };

  function find(className: string, activeJob: boolean): Handler | undefined {
    const key = keyOf(className, activeJob);
    const exact = className.endsWith('*') ? undefined : byName.get(key);
    if (exact || prefixes.length === 0) return exact;
    if (found.has(key)) return found.get(key);
    const prefix = prefixes.find((one) => key.startsWith(one.slice(0, -1)));
    const handler = prefix === undefined ? undefined : byName.get(prefix);
    if (found.size < 1000) found.set(key, handler);
    return handler;
  }
}

/** An ActiveJob and a class of Resque's own may have one name. A payload's class that begins so is none that Ruby can name. */
function keyOf(className: string, activeJob: boolean): string {
  return activeJob ? `\0${className}` : className;
}

function handler(definition: JobDefinition, middleware: readonly Middleware[]): Handler {
  const around = [...middleware, ...(definition.middleware ?? [])];
  if (around.length === 0) return { definition, run: (args, ctx) => definition.perform(args, ctx) };
  return {
    definition,
    run: (args, ctx) => compose(around, (inner) => definition.perform(args, inner))(ctx),
    around: (ctx, inner) => compose(around, inner)(ctx),
  };
}

function hasCallbacks(given: JobCallbacks): boolean {
  return CALLBACKS.some((name) => given[name] !== undefined);
}
