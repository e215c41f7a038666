/**
 * What the jobs of many processes did, in one file and therefore in one order: a small write to a file opened for
 * appending is atomic, and stays when its writer is killed. A line is `<mark> <pid> <epoch ms> <rest>`.
 */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** S: a handler started; E: it ended well; F: it is about to throw; X: a process is gone. */
export type Mark = 'S' | 'E' | 'F' | 'X';

/** One run of a handler. */
export interface Run {
  /** First argument of the job. */
  readonly id: string;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly pid: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** Its place in the order of all lines. */
  readonly line: number;
  /** Absent while it runs, and for ever if its process died first. */
  end?: { readonly well: boolean; readonly at: number; readonly line: number };
}

/** The end of a process. */
export interface Death {
  readonly pid: number;
  /** Epoch ms. */
  readonly at: number;
  readonly line: number;
  /** `SIGKILL`, `code-1`. */
  readonly how: string;
}

export class RunLog {
  readonly path: string;
  /** In the order of their starts. */
  readonly runs: Run[] = [];
  readonly deaths: Death[] = [];
  /** By process, job and attempt; a process may run a job again that it still runs. */
  readonly #running = new Map<string, Run[]>();
  readonly #file: number;
  #offset = 0;
  #rest = '';
  #lines = 0;
  #closed = false;

  constructor(path: string) {
    this.path = path;
    this.#file = openSync(path, 'a+');
  }

  /** For the processes whose jobs write into it, and for what watches them. */
  mark(mark: Mark, pid: number, ...rest: readonly (string | number)[]): void {
    writeSync(this.#file, `${mark} ${pid} ${Date.now()} ${rest.join(' ')}\n`);
  }

  /** Takes in what was written since the last call. */
  read(): this {
    const size = fstatSync(this.#file).size;
    if (size === this.#offset) return this;
    const bytes = Buffer.alloc(size - this.#offset);
    readSync(this.#file, bytes, 0, bytes.length, this.#offset);
    this.#offset = size;
    const lines = (this.#rest + bytes.toString()).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    return this;
  }

  /** Runs that started so far. */
  get starts(): number {
    return this.read().runs.length;
  }

  /** By job, in the order of their starts. */
  byJob(): Map<string, Run[]> {
    return Map.groupBy(this.read().runs, (run) => run.id);
  }

  /** May be called twice. */
  close(): void {
    if (!this.#closed) closeSync(this.#file);
    this.#closed = true;
  }

  #take(text: string): void {
    const line = this.#lines++;
    const [mark = '', pidText = '', atText = '', id = '', attemptText = ''] = text.split(' ');
    const [pid, at] = [Number(pidText), Number(atText)];
    if (mark === 'X') {
      this.deaths.push({ pid, at, line, how: id });
      return;
    }
    const key = `${pid} ${id} ${attemptText}`;
    if (mark === 'S') {
      const run: Run = { id, attempt: Number(attemptText), pid, startedAt: at, line };
      this.runs.push(run);
      const runs = this.#running.get(key);
      if (runs) runs.push(run);
      else this.#running.set(key, [run]);
      return;
    }
    const runs = this.#running.get(key) ?? [];
    const run = runs.shift();
    if (run) run.end = { well: mark === 'E', at, line };
    if (runs.length === 0) this.#running.delete(key);
  }
}
