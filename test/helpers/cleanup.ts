/**
 * What helpers undo after each test, or after each file. They say so here, and setup.ts does it: test files of one process
 * share the modules that they import, so that a hook in a helper would be one of the first file alone.
 */
type Undo = () => unknown;

const afterTests: Undo[] = [];
const afterFiles: Undo[] = [];

/** @param undo may have nothing to do */
export function afterEachTest(undo: Undo): void {
  afterTests.push(undo);
}

/** @param undo may have nothing to do */
export function afterEachFile(undo: Undo): void {
  afterFiles.push(undo);
}

export async function cleanUp(after: 'test' | 'file'): Promise<void> {
  for (const undo of after === 'test' ? afterTests : afterFiles) await undo();
}
