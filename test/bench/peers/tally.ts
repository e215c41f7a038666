/** Which jobs have run, and how often. */
export class Tally {
  readonly #runs: Uint8Array;

  constructor(jobs: number) {
    this.#runs = new Uint8Array(jobs);
  }

  mark(id: number): void {
    this.#runs[id] = (this.#runs[id] ?? 0) + 1;
  }

  /** @throws unless every job has run, once */
  check(): void {
    const missing = this.#runs.reduce((sum, runs) => sum + (runs === 0 ? 1 : 0), 0);
    const again = this.#runs.reduce((sum, runs) => sum + (runs > 1 ? 1 : 0), 0);
    if (missing + again === 0) return;
    throw new Error(`Of ${this.#runs.length} jobs, ${missing} did not run and ${again} ran more than once.`);
  }
}
