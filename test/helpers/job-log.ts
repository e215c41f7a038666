import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One start of a handler. */
export interface Start {
  /** The first argument of the job. */
  readonly name: string;
  readonly attempt: number;
  readonly pid: number;
}

/**
 * What the jobs of child processes did, kept in a file: what a handler has written stays when its process is killed.
 * It is also how a test lets waiting handlers go on: `open(name)`.
 */
export class JobLog {
  readonly folder: string;

  constructor(folder: string = mkdtempSync(join(tmpdir(), 'lambdesque-jobs-'))) {
    this.folder = folder;
  }

  /** One small write to a file opened for appending is atomic, whatever other processes write. */
  started({ name, attempt, pid }: Start): void {
    appendFileSync(join(this.folder, 'starts'), `${name} ${attempt} ${pid}\n`);
  }

  get starts(): Start[] {
    const file = join(this.folder, 'starts');
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
    return lines.map((line) => {
      const [name = '', attempt, pid] = line.split(' ');
      return { name, attempt: Number(attempt), pid: Number(pid) };
    });
  }

  get names(): string[] {
    return this.starts.map((start) => start.name);
  }

  open(gate: string): void {
    writeFileSync(join(this.folder, `gate-${gate}`), '');
  }

  isOpen(gate: string): boolean {
    return existsSync(join(this.folder, `gate-${gate}`));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
