import type { Clock } from '../clock.ts';

/** Something to wait for that may come early. Rings while nobody waits are not kept. */
export class Wakeup {
  readonly #clock: Clock;
  #wake: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at `time` (epoch ms; Infinity for never), or when it rings. One at a time waits. */
  wait(time: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = time === Infinity ? () => {} : this.#clock.after(time - this.#clock.now(), () => this.ring());
      this.#wake = () => {
        this.#wake = () => {};
        cancel();
        resolve();
      };
    });
  }

  ring(): void {
    this.#wake();
  }
}
