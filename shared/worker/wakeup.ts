import type { Clock } from '../clock.ts';

/** Something to wait for that may come early. What wakes it while nobody waits is not kept. */
export class Wakeup {
  readonly #clock: Clock;
  #resolve: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at `time` (epoch ms; Infinity for never), or when it is woken. One at a time waits. */
  wait(time: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = time === Infinity ? () => {} : this.#clock.after(time - this.#clock.now(), () => this.wake());
      this.#resolve = () => {
        this.#resolve = () => {};
        cancel();
        resolve();
      };
    });
  }

  wake(): void {
    this.#resolve();
  }
}
