import { environment } from '../../shared/internal.ts';

/**
 * Set for a worker that `lambdesque dev` replaces when a file changes. Not the variable of `node --watch`: with that one, Node.js
 * itself reports what it loads, and fails where the channel is closed.
 */
export const WATCHED = 'LAMBDESQUE_WATCHED';

/** What a watched process tells the one that watches. */
export type WatchMessage = { readonly files: readonly string[] } | { readonly ready: true };

export function isWatched(): boolean {
  return environment[WATCHED] !== undefined && process.send !== undefined;
}

/** Does nothing where nobody watches, or nobody does any more. */
export function tellWatch(message: WatchMessage): void {
  if (isWatched() && process.connected) process.send?.(message, undefined, undefined, () => {});
}
