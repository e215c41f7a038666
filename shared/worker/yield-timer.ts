/** Without I/O in between, jobs run on for so long before timers, sockets and heartbeats get their turn. */
const SLICE_MS = 10;

/** A piece of the event loop's time. It is measured in real time on purpose: it is not about when things are due. */
export class YieldTimer {
  readonly #onNew: () => void;
  #end = 0;
  #asked = false;

  /** @param onNew called when a new slice has begun that was asked for */
  constructor(onNew: () => void) {
    this.#onNew = onNew;
  }

  /** Is it used up? Then a new one is asked for. */
  isOver(): boolean {
    if (performance.now() < this.#end) return false;
    if (!this.#asked) {
      this.#asked = true;
      setImmediate(() => {
        this.#asked = false;
        this.renew();
        this.#onNew();
      });
    }
    return true;
  }

  /** The event loop has just come round. */
  renew(): void {
    this.#end = performance.now() + SLICE_MS;
  }
}
