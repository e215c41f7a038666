/** Before all tests and after them: the place of what they share. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where shared-folder.ts puts what it makes. */
    readonly sharedFolder: string;
  }
}

const DIST = join(import.meta.dirname, '../../dist');

export default function setup(project: TestProject): () => void {
  mkdirSync(DIST, { recursive: true });
  const folder = mkdtempSync(join(DIST, 'tests-'));
  project.provide('sharedFolder', folder);
  // What one of the processes that tests start has compiled, the next one finds: a quarter of what a start costs.
  process.env['NODE_COMPILE_CACHE'] = join(folder, 'compiled');
  return () => rmSync(folder, { recursive: true, force: true });
}
