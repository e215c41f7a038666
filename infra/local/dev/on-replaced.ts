import { isWatched } from '../../modules/dev-channel.ts';

/**
 * Calls in a worker of `lambdesque dev` when it has to end, for the next one to take its place: the channel between the two is
 * closed, or the other is gone. No signal says so, since a terminal's Ctrl-C comes to both, and a second signal ends a worker at once.
 * @returns ends it
 */
export function onReplaced(call: () => void): () => void {
  if (!isWatched()) return () => {};
  process.once('disconnect', call);
  return () => process.off('disconnect', call);
}
