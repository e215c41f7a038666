import type { Logger } from '../../shared/index.ts';
import type { Worker } from '../../shared/internal.ts';

/** Milliseconds for the last lines of the log to go out. */
const LAST_LINES_MS = 50;

type Escapable = Pick<Worker, 'escaped' | 'crash'>;

/**
 * Errors that come out of handlers by another way than their promises. Lambda's runtime would end the process at once, and
 * with it all other jobs: one that can be told counts for its job; else what runs goes back with one death more, and the
 * environment ends, since its state is unknown.
 */
export class EscapedErrors {
  /** The worker of the invocation. */
  worker: Escapable | undefined;
  readonly #log: Logger;
  readonly #exit: (code: number) => void;

  constructor(log: Logger, exit: (code: number) => void = (code) => process.exit(code)) {
    this.#log = log;
    this.#exit = exit;
  }

  /** Takes the place of the runtime's own listeners. */
  listen(): void {
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.removeAllListeners(event).on(event, (error: unknown) => void this.handle(error));
    }
  }

  async handle(error: unknown): Promise<void> {
    const { worker } = this;
    if (worker?.escaped(error)) return;
    this.#log.error('An error came from no job that could be told; this environment ends, since its state is unknown', {
      error,
    });
    await worker?.crash();
    setTimeout(() => this.#exit(1), LAST_LINES_MS);
  }
}
