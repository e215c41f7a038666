/**
 * AWS's own runtime client for Node.js, the program that runs a function's handler on Lambda: installed from npm when first
 * asked for, and kept in node_modules/.cache.
 *
 * It is one file. The package builds its HTTP client from C++ besides, with cmake, minutes long: runtime-transport.ts
 * stands in for that.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

export const VERSION = '4.0.2';
const INTEGRITY = 'sha512-FE5Vskx7mYNnqAnWWJXUOsLp2VGgdsJsCoRLFTa8L4Yk0QVtArqR8q58yPA++QC1a73ZWJXBQ2AH31nIAv7NOQ==';

let found: Promise<string> | undefined;

/** @returns the path of its program  @throws if npm cannot fetch it, or gives another file than was pinned */
export function runtimeClient(): Promise<string> {
  found ??= installed();
  return found;
}

async function installed(): Promise<string> {
  const folder = join(CACHE, `aws-lambda-ric-${VERSION}`);
  const program = join(folder, 'package/index.mjs');
  if (await exists(program)) return program;
  await mkdir(CACHE, { recursive: true });
  // Apart, as other test files may do the same now.
  const fresh = await mkdtemp(join(CACHE, 'aws-lambda-ric-'));
  try {
    const options = ['--json', '--prefer-offline', '--pack-destination', fresh];
    const { stdout } = await run('npm', ['pack', `aws-lambda-ric@${VERSION}`, ...options], { cwd: fresh });
    const [packed] = JSON.parse(stdout) as { readonly filename: string; readonly integrity: string }[];
    if (packed?.integrity !== INTEGRITY) {
      throw new Error(`npm gave another aws-lambda-ric@${VERSION} than was pinned: ${packed?.integrity}`);
    }
    await run('tar', ['-xzf', join(fresh, packed.filename), '-C', fresh, 'package/index.mjs']);
    await rename(fresh, folder).catch(async (error: unknown) => {
      if (!(await exists(program))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return program;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) console.log(await runtimeClient());
