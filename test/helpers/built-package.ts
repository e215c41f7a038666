/** The package as it is published, made of the sources as they are now; in a folder of its own, as test files run beside each other. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../infra/build/package.ts';
import { afterEachFile } from './cleanup.ts';
import { ROOT } from './fresh-folder.ts';

const folders: string[] = [];
afterEachFile(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** @returns its folder, within this repository, so that its dependencies are found */
export async function builtPackage(): Promise<string> {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, 'dist/package-'));
  folders.push(folder);
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
    cpSync(join(ROOT, file), join(folder, file));
  await buildPackage(join(folder, 'dist'));
  return folder;
}
