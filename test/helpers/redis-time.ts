/** The time at which every test begins, epoch ms: 2026-11-20 20:29:37 UTC. */
export const NOW = Date.UTC(2026, 10, 20, 20, 29, 37);

/** What Redis takes for the time, in a test: it stands still until the test moves it. */
class RedisTime {
  #now = NOW;

  /** Epoch ms: a time source for brokers. */
  readonly now = (): number => this.#now;

  move(ms: number): void {
    this.#now += ms;
  }

  /** @param now epoch ms */
  set(now: number): void {
    this.#now = now;
  }
}

/** One for each test file, as there is one Redis. */
export const redisTime = new RedisTime();
