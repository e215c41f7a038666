import { execFile } from 'node:child_process';
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeDashboardAssets } from '../dashboard/assets.ts';
import { vendor } from './vendor.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TEMPLATE = 'infra/local/template';
/** What `files` of package.json names; what else is in dist is not published. */
const PARTS = ['functions', 'infra', 'shared', 'vendor'];

/**
 * Compiles what is published: ES modules for Node.js 22.12 and later, and their types.
 * @param dist its folder, which gets the parts anew
 * @throws Error with what the compiler says
 */
export async function buildPackage(dist: string): Promise<void> {
  for (const part of PARTS) rmSync(join(dist, part), { recursive: true, force: true });
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  await promisify(execFile)(process.execPath, [tsc, '-p', join(ROOT, 'infra/build'), '--outDir', dist]).catch(
    (error) => {
      throw new Error(`The package does not compile:\n${error.stdout}`, { cause: error });
    },
  );
  writeDashboardAssets(join(dist, 'functions/dashboard/assets.js'));
  keepPublicTypes(dist);
  await vendor(dist);
  // As it is: `lambdesque init` copies it.
  cpSync(join(ROOT, TEMPLATE), join(dist, TEMPLATE), { recursive: true });
}

/** Files whose names package.json exports. */
const PUBLIC = [
  'shared/index',
  'shared/testing/index',
  'functions/lambda/index',
  'shared/opentelemetry/index',
  'infra/index',
];
const RELATIVE = /(\bfrom |\bimport\()(['"])(\.[^'"]+)\.ts\2/g;

/** Types are for those who import the package: what cannot be reached from there needs none, nor the types of its libraries. */
function keepPublicTypes(dist: string): void {
  const kept = new Set<string>();
  const visit = (path: string): void => {
    if (kept.has(path) || !existsSync(path)) return;
    kept.add(path);
    const types = readFileSync(path, 'utf8');
    for (const [, , , file = ''] of types.matchAll(RELATIVE)) visit(join(dirname(path), `${file}.d.ts`));
    // The compiler leaves .ts here, for compilers that know what is meant.
    writeFileSync(path, types.replace(RELATIVE, '$1$2$3.js$2'));
  };
  for (const file of PUBLIC) visit(join(dist, `${file}.d.ts`));
  for (const path of globSync('{functions,infra,shared}/**/*.d.ts', { cwd: dist })) {
    if (!kept.has(join(dist, path))) rmSync(join(dist, path));
  }
}
