/** What takes seconds to make, and all test files only read: made by the first that asks, also while others run beside it. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { eventually } from './eventually.ts';

/**
 * @param name of the folder
 * @param make fills it
 * @returns the folder, within this repository, so that its dependencies are found; it goes when all tests have ended
 */
export async function sharedFolder(name: string, make: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(inject('sharedFolder'), name);
  const [made, failed] = [`${folder}.made`, `${folder}.failed`];
  try {
    mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    await eventually(() => {
      if (!existsSync(made) && !existsSync(failed)) throw new Error(`${name} is not made yet.`);
    });
    if (existsSync(failed)) throw new Error(`${name} could not be made; the test file that tried says why.`);
    return folder;
  }
  try {
    await make(folder);
    writeFileSync(made, '');
  } catch (error) {
    writeFileSync(failed, '');
    throw error;
  }
  return folder;
}
