import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundling } from '../../functions/contract/bundling.ts';

/**
 * Libraries that are compiled into the package, each as one file of what is used of it: a program that only enqueues would
 * have to install them, and a CDK app to bundle them. What a producer uses itself is a dependency.
 */
const VENDORED = [
  '@aws-lambda-powertools/logger',
  '@hono/node-server',
  'commander',
  'croner',
  'hono',
  'hono/body-limit',
  'hono/compress',
  'hono/cookie',
  'hono/html',
  'hono/secure-headers',
  'string-width',
];

/** What the dashboard's script is made of: in functions/dashboard/assets.js. */
const IN_BROWSER = ['idiomorph', 'uplot'];

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Puts those libraries into `<dist>/vendor` and lets the compiled files import them from there. */
export async function vendor(dist: string): Promise<void> {
  const files = globSync('{functions,infra,shared}/**/*.js', { cwd: dist });
  const licenses = new Map<string, string>();
  for (const library of VENDORED) {
    const file = `vendor/${library.replace('@', '').replace('/', '-')}.js`;
    const names = new Set<string>();
    for (const path of files) {
      const code = readFileSync(join(dist, path), 'utf8');
      const changed = code.replace(importOf(library), (_, clause: string) => {
        for (const name of namesIn(clause)) names.add(name);
        return `import ${clause} from '${posix.relative(posix.dirname(path), file)}'`;
      });
      if (changed.includes(`'${library}'`)) {
        throw new Error(
          `${path} imports ${library} in a way that ${import.meta.filename} does not know: import names from it, or its default.`,
        );
      }
      if (changed !== code) writeFileSync(join(dist, path), changed);
    }
    if (names.size === 0) throw new Error(`No compiled file imports ${library}: take it out of VENDORED.`);
    for (const [name, text] of await compile(library, names, join(dist, file))) licenses.set(name, text);
  }
  for (const library of IN_BROWSER) {
    const [name, text] = licenseOf(join(ROOT, 'node_modules', library));
    licenses.set(name, text);
  }
  const all = [...licenses].sort(([a], [b]) => a.localeCompare(b));
  writeFileSync(
    join(dist, 'vendor/LICENSES.md'),
    all.map(([name, text]) => `# ${name}\n\n${text.trim()}\n`).join('\n'),
  );
}

const importOf = (library: string) => new RegExp(`import (\\w+|\\{[^}]*\\}) from '${library}'`, 'g');

/** What `{ a, b as c }` or a name for the default takes of a module. */
function namesIn(clause: string): string[] {
  if (!clause.startsWith('{')) return ['default'];
  return [...clause.matchAll(/(\w+)(?: as \w+)?/g)].map(([, name = '']) => name);
}

/** @returns the license of each package that is in the file */
async function compile(library: string, names: ReadonlySet<string>, file: string): Promise<Map<string, string>> {
  mkdirSync(dirname(file), { recursive: true });
  const { metafile } = await build({
    stdin: { contents: `export { ${[...names].sort().join(', ')} } from '${library}';`, resolveDir: ROOT },
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22.12',
    charset: 'utf8',
    mainFields: [...bundling.mainFields],
    conditions: [...bundling.conditions],
    external: [...bundling.external],
    // Names stay, for stacks; a function's bundle shortens them. White space is a third of the size.
    minifyWhitespace: true,
    minifySyntax: true,
    // They stand in LICENSES.md.
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
    ...(isCommonJs(library) ? { banner: { js: bundling.banner } } : {}),
  });
  const folders = Object.entries(metafile.outputs)
    .flatMap(([, { inputs }]) => Object.entries(inputs))
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .flatMap(([path]) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  return new Map([...new Set(folders)].map((folder) => licenseOf(folder)));
}

function isCommonJs(library: string): boolean {
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(library)?.[0] ?? library;
  const { type } = JSON.parse(readFileSync(join(ROOT, 'node_modules', name, 'package.json'), 'utf8')) as {
    type?: string;
  };
  return type !== 'module';
}

function licenseOf(folder: string): [name: string, text: string] {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const [file] = globSync('{LICENSE,LICENCE,license}*', { cwd: folder });
  if (file === undefined && license === undefined) throw new Error(`${relative(ROOT, folder)} has no license.`);
  return [
    `${name} ${version}`,
    file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : `${license}`,
  ];
}
