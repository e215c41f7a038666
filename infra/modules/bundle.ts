import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BuildFailure, Loader, Message, Plugin } from 'esbuild';
import { ConfigError } from '../../shared/index.ts';

interface BundledModule {
  /** An ES module: what the module exports, with a source map in it. */
  readonly file: string;
  /** Removes the folder in which it lies. Stacks keep their lines once it was loaded. */
  remove(): Promise<void>;
}

/** What a jobs module may export beside its classes. */
const EXPORTS = ['defaults', 'middleware', 'callbacks'];

/**
 * Turns a module of the user's (jobs, cron entries) into one that Node can load, as a function's bundle is made: TypeScript of
 * every kind, imports without extension, folders, JSON, path aliases of a tsconfig. Packages stay where they are.
 * @param path from the working directory
 * @param onInput called with each file of the user that is in it, also where the bundle fails
 * @throws ConfigError that names file, line and column, or esbuild where it is not installed
 */
export async function bundleModule(path: string, onInput: (file: string) => void = () => {}): Promise<BundledModule> {
  const entry = resolve(path);
  const { build, stop } = await esbuild(path);
  building++;
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-module-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'module.mjs');
  try {
    await build({
      // In this way the default export of a CommonJS module is what it is in a function.
      stdin: {
        contents: [
          `import * as all from ${JSON.stringify(entry)};`,
          'export default all.default;',
          ...EXPORTS.map((name) => `export const ${name} = Reflect.get(all, '${name}');`),
        ].join('\n'),
        resolveDir: process.cwd(),
      },
      outfile: file,
      bundle: true,
      platform: 'node',
      // What Node.js itself takes of a package, rather than what is there for bundlers.
      conditions: ['node'],
      format: 'esm',
      target: `node${process.versions.node}`,
      charset: 'utf8',
      keepNames: true,
      sourcemap: 'inline',
      sourcesContent: false,
      logLevel: 'silent',
      ...(await tsconfigFor(entry, folder)),
      banner: {
        js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
      },
      define: placeNames,
      plugins: [packagesOutside, tellingInputs(onInput), ownPlaces],
    });
    return { file, remove };
  } catch (error) {
    await remove();
    throw new ConfigError(`the module ${path} cannot be loaded: ${buildErrors(error)}`, { cause: error });
  } finally {
    // A worker that runs for weeks needs no bundler beside it.
    if (--building === 0) await stop();
  }
}

let building = 0;

/** Only who loads modules or deploys functions has to have it. */
async function esbuild(path: string): Promise<typeof import('esbuild')> {
  try {
    return await import('esbuild');
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new ConfigError(
      `the module ${path} cannot be loaded: modules are bundled by esbuild, which is not installed. Run: npm install esbuild`,
      { cause },
    );
  }
}

/** What this package exports, seen from here. */
const OWN: Readonly<Record<string, string>> = {
  lambdesque: '../../shared/index',
  'lambdesque/testing': '../../shared/testing/index',
  'lambdesque/lambda': '../../functions/lambda/index',
  'lambdesque/opentelemetry': '../../shared/opentelemetry/index',
  'lambdesque/cdk': '../index',
};

/** The file behind one of this package's names: with the extension of this one, .ts here and .js in what is published. */
function ownFile(name: string): string | undefined {
  const file = OWN[name];
  return file && fileURLToPath(new URL(`${file}${extname(import.meta.url)}`, import.meta.url));
}

/** Imports of packages lead to where the importing file would find them, since the bundle lies elsewhere. */
const packagesOutside: Plugin = {
  name: 'packages-outside',
  setup(builder) {
    const inPlugin = Symbol('asked by this plugin');
    builder.onResolve({ filter: /^[^./\\]/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === inPlugin || rest.kind === 'entry-point' || /^([a-z]+:|[A-Za-z]:[\\/])/.test(path))
        return undefined;
      const outside = (file: string) =>
        // What require takes is a path, what import takes a URL.
        ({ path: rest.kind.startsWith('require') ? file : pathToFileURL(file).href, external: true });
      // One instance of this package, whatever the module would find.
      const own = ownFile(path);
      if (own !== undefined) return outside(own);
      const { importer, namespace, resolveDir, kind } = rest;
      const found = await builder.resolve(path, { importer, namespace, resolveDir, kind, pluginData: inPlugin });
      if (found.errors.length > 0 || found.external || !/[\\/]node_modules[\\/]/.test(found.path)) return undefined;
      return outside(found.path);
    });
  },
};

/** Tells of each file before it is read: one that cannot be parsed as well. */
const tellingInputs = (onInput: (file: string) => void): Plugin => ({
  name: 'telling-inputs',
  setup(builder) {
    builder.onLoad({ filter: /./, namespace: 'file' }, ({ path }) => {
      if (!/[\\/]node_modules[\\/]/.test(path)) onInput(path);
      return undefined;
    });
  },
});

/** What a file's own place is called in the bundle. */
const placeNames = {
  'import.meta.url': '__ownUrl',
  'import.meta.filename': '__ownFile',
  'import.meta.dirname': '__ownFolder',
} as const;
const ASKS_FOR_PLACE = /\bimport\.meta\.(url|filename|dirname)\b|\b__(filename|dirname)\b/;

/** A file that asks where it is gets its own place, not the bundle's: what it reads from beside itself is there. */
const ownPlaces: Plugin = {
  name: 'own-places',
  setup(builder) {
    builder.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      if (/[\\/]node_modules[\\/]/.test(path)) return undefined;
      const text = await readFile(path, 'utf8');
      if (!ASKS_FOR_PLACE.test(text)) return undefined;
      const [url, file, folder] = [pathToFileURL(path).href, path, dirname(path)].map((one) => JSON.stringify(one));
      // On the first line, so that all lines keep their numbers.
      const ours = `var __ownUrl=${url},__ownFile=${file},__ownFolder=${folder},__filename=${file},__dirname=${folder};`;
      const loader = extname(path).replace(/^\.[cm]?/, '') as Loader;
      return { contents: `${ours}${text.replace(/^#!/, '//')}`, loader, resolveDir: dirname(path) };
    });
  },
};

/**
 * The module's own tsconfig, but for `verbatimModuleSyntax`: a type that is imported without `type` is no import of a value
 * in a function's bundle, where this package is a part of it.
 */
async function tsconfigFor(entry: string, folder: string): Promise<{ tsconfig?: string }> {
  for (let at = dirname(entry); ; at = dirname(at)) {
    const found = join(at, 'tsconfig.json');
    if (existsSync(found)) {
      const tsconfig = join(folder, 'tsconfig.json');
      const compilerOptions = { verbatimModuleSyntax: false, preserveValueImports: false };
      await writeFile(tsconfig, JSON.stringify({ extends: found, compilerOptions }));
      return { tsconfig };
    }
    if (at === dirname(at)) return {};
  }
}

const MOST_ERRORS = 3;

function buildErrors(thrown: unknown): string {
  const { errors } = thrown as Partial<BuildFailure>;
  if (!errors || errors.length === 0) return thrown instanceof Error ? thrown.message : String(thrown);
  const shown = errors.slice(0, MOST_ERRORS).map(describe);
  const more = errors.length > MOST_ERRORS ? [`and ${errors.length - MOST_ERRORS} more`] : [];
  return [...shown, ...more].join('; ');
}

function describe({ text, location }: Message): string {
  if (!location || location.file === '<stdin>') return text;
  const inside = relative('.', resolve(location.file));
  const file = inside.startsWith('..') ? resolve(location.file) : inside;
  return `${file}:${location.line}:${location.column + 1}: ${text}`;
}
