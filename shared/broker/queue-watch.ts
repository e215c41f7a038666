/**
 * Tells a worker that waits of jobs that come, so that it need not look for them. Only Redis over TCP can; who has none
 * looks each interval.
 */
export interface QueueWatch {
  /**
   * From now on, the next change of each of these queues is told, once; with it, the watch of that queue is over.
   * @param names the names of all queues are watched, too  @param orders so is what all workers are told: what is cancelled, paused, limited
   * @returns whether one of these queues has jobs already
   * @throws LambdesqueError after which nothing is watched
   */
  watch(queues: readonly string[], names: boolean, orders: boolean): Promise<boolean>;
  /** Nothing is told any more. */
  close(): void;
}

export interface QueueWatchEvents {
  /** @param queues that have changed: jobs came or went  @param names those of all queues have changed  @param orders what all are told has */
  changed(queues: readonly string[], names: boolean, orders: boolean): void;
  /** Nothing is watched any more. */
  lost(): void;
}

/**
 * Connects anew. Nothing is watched yet.
 * @throws LambdesqueError
 */
export type OpenQueueWatch = (events: QueueWatchEvents) => Promise<QueueWatch>;
