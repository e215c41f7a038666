import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a reader that is only slow is waited for, ms; and between two looks whether it has taken something. */
const PATIENCE = 50;
const LOOK = 1;
/** Between two looks while lines wait in memory, ms. */
const DRAIN = 10;
/** How long the end of the process waits for a reader that takes nothing, ms. */
export const LAST_WAIT = 1_000;

/** Where a stream of lines goes. */
export interface Sink {
  /** May throw when some of it was written before. */
  write(text: string): void;
  /** Bytes that were taken and are not written yet. */
  readonly waiting: number;
  /** Waits for what waits, as far as there is a reader. */
  flush?(): Promise<void>;
}

/** What writes bytes without waiting: returns how many, and throws EAGAIN for none. */
type WriteNow = (bytes: Buffer) => number;

/**
 * A pipe or socket, which Node has made one that refuses rather than waits. A slow reader slows the work down, as it should:
 * no line is lost. Of one that takes nothing, nobody waits twice: lines stay in memory until it takes something again.
 */
export class PipeSink implements Sink {
  readonly #writeNow: WriteNow;
  readonly #othersWait: () => boolean;
  #queue: Buffer[] = [];
  #bytes = 0;
  /** The reader took nothing when it was last waited for. */
  #stalled = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #lock = new Int32Array(new SharedArrayBuffer(4));

  /**
   * @param othersWait whether somebody else's bytes wait for the same reader; ours come behind them
   * @param writeNow @default to standard output
   */
  constructor(othersWait: () => boolean, writeNow: WriteNow = (bytes) => writeSync(1, bytes)) {
    this.#othersWait = othersWait;
    this.#writeNow = writeNow;
  }

  get waiting(): number {
    return this.#bytes;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    this.#queue.push(bytes);
    this.#bytes += bytes.length;
    for (let waited = 0; !this.#drain(); waited += LOOK) {
      if (this.#stalled) break;
      if (waited >= PATIENCE) this.#stalled = true;
      else Atomics.wait(this.#lock, 0, 0, LOOK);
    }
    if (this.#bytes > 0) this.#timer ??= setInterval(() => this.#look(), DRAIN).unref();
  }

  /** Resolves when everything is written, or when the reader takes nothing. */
  async flush(): Promise<void> {
    for (let waited = 0; this.#bytes > 0 && waited < LAST_WAIT; waited += DRAIN) {
      const before = this.#bytes;
      this.#look();
      if (this.#bytes < before) waited = 0;
      if (this.#bytes > 0) await sleep(DRAIN);
    }
  }

  #look(): void {
    try {
      if (!this.#drain()) return;
    } catch {
      // The reader is gone: what it did not take is lost with it.
    }
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Writes what the reader takes now. @returns whether that is all  @throws if there is no reader any more */
  #drain(): boolean {
    if (this.#othersWait()) return false;
    // Many lines in one call.
    if (this.#queue.length > 1) this.#queue = [Buffer.concat(this.#queue)];
    for (let [bytes] = this.#queue; bytes && bytes.length > 0; ) {
      try {
        bytes = bytes.subarray(this.#writeNow(bytes));
        this.#stalled = false;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') {
          this.#keep([bytes]);
          return false;
        }
        this.#keep([]);
        throw error;
      }
    }
    this.#keep([]);
    return true;
  }

  #keep(queue: Buffer[]): void {
    this.#queue = queue;
    this.#bytes = queue.reduce((sum, one) => sum + one.length, 0);
  }
}
