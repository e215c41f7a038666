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
  return () => rmSync(folder, { recursive: true, force: true });
}
