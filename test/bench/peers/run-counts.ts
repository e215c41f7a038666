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
    const missing = this.#count((runs) => runs === 0);
    const again = this.#count((runs) => runs > 1);
    if (missing + again === 0) return;
    throw new Error(`Of ${this.#runs.length} jobs, ${missing} did not run and ${again} ran more than once.`);
  }

  /** @throws if a job ran twice; some may not have run */
  checkNoneTwice(): void {
    const again = this.#count((runs) => runs > 1);
    if (again > 0) throw new Error(`Of ${this.#runs.length} jobs, ${again} ran more than once.`);
  }

  #count(passes: (runs: number) => boolean): number {
    return this.#runs.reduce((sum, runs) => sum + (passes(runs) ? 1 : 0), 0);
  }
}
