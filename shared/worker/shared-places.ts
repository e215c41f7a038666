/**
 * The places in which jobs run, where the loops of several shards share those of one process. Each loop has an equal part, which
 * others use while it has nothing to start in it; what it waits for, it gets before them. No part is empty: there are as many
 * places as loops, at least.
 */
export class SharedPlaces {
  readonly #count: number;
  readonly #parts = new Set<PlacesPart>();

  constructor(count: number) {
    this.#count = count;
  }

  /** For one more loop. */
  part(): PlacesPart {
    const part: PlacesPart = new PlacesPart({
      free: () => this.#freeOf(part),
      woken: () => {
        for (const other of this.#parts) if (other !== part) other.wakeIfBlocked();
      },
      left: () => void this.#parts.delete(part),
    });
    this.#parts.add(part);
    return part;
  }

  #freeOf(part: PlacesPart): number {
    const share = Math.floor(this.#count / Math.max(1, this.#parts.size));
    let free = this.#count;
    let awaited = 0;
    for (const one of this.#parts) {
      free -= one.used;
      if (one !== part && one.isWaiting) awaited += Math.max(0, share - one.used);
    }
    // Of its own part nobody can take it anything.
    return Math.max(0, Math.min(free, Math.max(share - part.used, free - awaited)));
  }
}

interface PartHooks {
  readonly free: () => number;
  /** Others may find a place now. */
  readonly woken: () => void;
  readonly left: () => void;
}

/** What one loop sees of them. */
export class PlacesPart {
  /** Called when there may be a free place again, after there was none. */
  onFree: () => void = () => {};
  readonly #hooks: PartHooks;
  #used = 0;
  #isWaiting = false;
  #isBlocked = false;

  constructor(hooks: PartHooks) {
    this.#hooks = hooks;
  }

  get used(): number {
    return this.#used;
  }

  /** It has a job and no place for it. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  get free(): number {
    const free = this.#hooks.free();
    this.#isBlocked = free === 0;
    return free;
  }

  take(): void {
    this.#used++;
  }

  give(): void {
    this.#used--;
    this.#hooks.woken();
  }

  /** After it has started what it could. @param startable jobs that could start if there were places */
  filled(startable: number): void {
    const waited = this.#isWaiting;
    this.#isWaiting = startable > 0 && this.free === 0;
    // What was kept for it is anybody's again.
    if (waited && !this.#isWaiting) this.#hooks.woken();
  }

  wakeIfBlocked(): void {
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.onFree();
  }

  /** Its loop has ended. */
  leave(): void {
    this.#hooks.left();
    this.#hooks.woken();
  }
}
