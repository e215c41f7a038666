import { vi } from 'vitest';

/** How long a test waits for something that has to happen; long, so that a slow machine changes nothing. Milliseconds. */
export const PATIENCE = 90_000;

/** Calls `look` until it does not throw, and gives what it returns. Fails with its last error when patience ends. */
export function eventually<T>(look: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(look, { timeout: PATIENCE, interval: 10 });
}
