/** What a process of tests has started ends with it, also where a signal ends that: one listener for all. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const ends = new Set<() => void>();
let listens = false;

/** @param end nobody waits for it  @returns takes that back, for what has ended before */
export function endWithProcess(end: () => void): () => void {
  ends.add(end);
  if (!listens) {
    listens = true;
    process.once('exit', endAll);
    for (const signal of SIGNALS) process.once(signal, () => endBy(signal));
  }
  return () => void ends.delete(end);
}

function endBy(signal: NodeJS.Signals): void {
  endAll();
  // Our handler took the signal's default effect away: give it back, unless somebody else handles the signal.
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

function endAll(): void {
  for (const end of ends) end();
  ends.clear();
}
