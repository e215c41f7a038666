import { execFile } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
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
  // The compiler leaves these as they are, for compilers that know what is meant.
  for (const path of globSync('{functions,infra,shared}/**/*.d.ts', { cwd: dist })) {
    const types = readFileSync(join(dist, path), 'utf8');
    writeFileSync(join(dist, path), types.replace(/(\bfrom |\bimport\()(['"])(\.[^'"]+)\.ts\2/g, '$1$2$3.js$2'));
  }
  await vendor(dist);
  // As it is: `lambdesque init` copies it.
  cpSync(join(ROOT, TEMPLATE), join(dist, TEMPLATE), { recursive: true });
}
