/** What has to be asked before a worker may register, or extend a lease that has ended. */
export interface WorkerPlace {
  /** Most workers of its consumer at a time. */
  readonly maxWorkers: number;
  /** The scheduler's start that it came of, to be forgotten. */
  readonly start?: { readonly system: string; readonly consumer: string; readonly id: string } | undefined;
}
