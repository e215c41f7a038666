/** What esbuild says of what it made (`--metafile`), as far as it is read here. */
export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

/** Bytes of each package, or folder of files that belong to none, the largest first. */
export type BundleParts = readonly (readonly [name: string, bytes: number])[];

export function contentOf(metafile: Metafile): BundleParts {
  return sizes(metafile, (path) => packageOf(path) ?? path.split('/').slice(0, -1).join('/'));
}

function sizes(metafile: Metafile, nameOf: (path: string) => string | undefined): BundleParts {
  const found = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = nameOf(path);
      if (name !== undefined && bytesInOutput > 0) found.set(name, (found.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...found].sort(([, a], [, b]) => b - a);
}

/** The innermost one: what a package has installed for itself counts as itself. */
function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

/** This package and its Redis libraries, of which a user can leave none out. */
const OWN = new Set(['lambdesque', '@upstash/redis', 'ioredis']);
/** Bytes of one package in a bundle from which on it is worth a word: a function starts the slower for it. */
const LARGE = 200_000;

/** Says of each package that is large what could be done about it, by the package's name. */
export function largePackages(metafile: Metafile): ReadonlyMap<string, string> {
  const all = contentOf(metafile).reduce((sum, [, bytes]) => sum + bytes, 0);
  const large = sizes(metafile, packageOf).filter(([name, bytes]) => bytes > LARGE && !OWN.has(name));
  return new Map(
    large.map(([name, bytes]) => [
      name,
      `${name} takes ${kB(bytes)} of ${kB(all)}, and every cold start loads it. ${REMEDIES.get(name) ?? REMEDY}`,
    ]),
  );
}

const REMEDIES = new Map([
  [
    'zod',
    "Import it by `import * as z from 'zod'`, which makes the bundle 380 kB smaller than `import { z } from 'zod'` does; valibot is smaller still.",
  ],
]);
const REMEDY =
  'Import only the parts that jobs use, take a smaller package, or import it inside of perform, in the one job that needs it.';

const kB = (bytes: number): string => `${Math.round(bytes / 1_000)} kB`;
