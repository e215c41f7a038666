/** What esbuild says of what it made (`--metafile`), as far as it is read here. */
export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

/** Bytes of each package, or folder of files that belong to none, the largest first. */
export type BundleContent = readonly (readonly [name: string, bytes: number])[];

export function contentOf(metafile: Metafile): BundleContent {
  const sizes = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = packageOf(path) ?? path.split('/').slice(0, -1).join('/');
      sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...sizes].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
}

/** The innermost one: what a package has installed for itself counts as itself. */
function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

/** The package that is this one; in its own repository the files have no package. */
const OWN = 'lambdesque';

/** Bytes of one package in a bundle from which on it is worth a word: a function starts the slower for it. */
const LARGE = 200_000;

/** Says of each package that is large what could be done about it, by the package's name. */
export function largePackages(content: BundleContent): ReadonlyMap<string, string> {
  const all = content.reduce((sum, [, bytes]) => sum + bytes, 0);
  const large = content.filter(([name, bytes]) => bytes > LARGE && name !== OWN);
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
