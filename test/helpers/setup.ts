/** Runs in front of every test file: nothing of one reaches the next. */
import { afterAll, afterEach, vi } from 'vitest';
import { cleanUp } from './cleanup.ts';

vi.resetConfig();
afterEach(() => cleanUp('test'));
afterAll(async () => {
  await cleanUp('file');
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
});
