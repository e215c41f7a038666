/** The package as it is published, made of the sources as they are now. */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { buildPackage } from '../../infra/build/package.ts';
import { ROOT } from './fresh-folder.ts';
import { sharedFolder } from './shared-folder.ts';

/** @returns its folder, within this repository, so that its dependencies are found */
export function builtPackage(): Promise<string> {
  return sharedFolder('package', async (folder) => {
    for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'])
      cpSync(join(ROOT, file), join(folder, file));
    await buildPackage(join(folder, 'dist'));
  });
}
