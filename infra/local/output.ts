import { fstatSync, writeSync } from 'node:fs';
import { LAST_WAIT, PipeSink, type Sink } from './pipe-sink.ts';

/** Lines that a reader has yet to take may come to so many bytes; what comes on top is dropped. */
const MOST_WAITING = 16_777_216;
/** So long after a write, lines are gathered for the next one, ms; and no more than so many characters. */
const TOGETHER = { ms: 2, characters: 65_536 };

/**
 * Lines for a log that must never stop the work: nothing here throws or waits. What cannot be written (a full disk, a
 * reader that is gone or takes nothing) is dropped and counted, and told when it works again.
 *
 * A line that comes alone is written at once; of many in a row, those of two milliseconds or of a turn of the event loop
 * go in one write, since a write costs more than a small job.
 */
export class LineOutput {
  readonly #sink: Sink;
  readonly #lostLine: (lines: number) => string;
  #lost = 0;
  /** The last write may have left the beginning of a line behind. */
  #broken = false;
  #text = '';
  #lines = 0;
  #wroteAt = -Infinity;
  #scheduled: NodeJS.Immediate | undefined;

  /** @param lostLine the line that tells how many were lost */
  constructor(sink: Sink, lostLine: (lines: number) => string) {
    this.#sink = sink;
    this.#lostLine = lostLine;
  }

  /** @param line with its line feed */
  write(line: string): void {
    if (this.#sink.waiting + this.#text.length > MOST_WAITING) {
      this.#lost++;
      return;
    }
    this.#text += line;
    this.#lines++;
    const isDue = performance.now() - this.#wroteAt >= TOGETHER.ms || this.#text.length >= TOGETHER.characters;
    if (isDue) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Writes what was gathered. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#lines === 0) return;
    const [text, lines] = [this.#text, this.#lines];
    this.#text = '';
    this.#lines = 0;
    const before = this.#lost > 0 ? this.#lostLine(this.#lost) : '';
    try {
      this.#sink.write(`${this.#broken ? '\n' : ''}${before}${text}`);
      this.#lost = 0;
      this.#broken = false;
    } catch {
      this.#lost += lines;
      this.#broken = true;
    }
    this.#wroteAt = performance.now();
  }
}

let sink: Sink | undefined;
const outputs = new Set<LineOutput>();

/** Lines on standard output, also those that were gathered when the process exits. */
export function standardLines(lostLine: (lines: number) => string): LineOutput {
  sink ??= openStandardOutput();
  if (outputs.size === 0) process.once('exit', flushLines);
  const output = new LineOutput(sink, lostLine);
  outputs.add(output);
  return output;
}

function flushLines(): void {
  for (const output of outputs) output.flush();
}

function openStandardOutput(): Sink {
  const { stdout } = process;
  if (stdout.isTTY) return { write: (text) => void stdout.write(text), waiting: 0 };
  // Node's own stream for a file is destroyed by its first error, and a disk that is full may be empty again.
  if (isFile(1)) return { write: (text) => writeAll(1, text), waiting: 0 };
  return new PipeSink(() => stdout.writableLength > 0 && !stdout.destroyed);
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
}

function isFile(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFile() || stat.isCharacterDevice();
  } catch {
    return true;
  }
}

/** From now on no write to standard output or error ends the process, whoever does it. */
export function guardOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
}

/** Resolves when everything is written, or when nobody takes it. */
export async function flushOutput(): Promise<void> {
  flushLines();
  for (const stream of [process.stdout, process.stderr]) {
    if (stream.writableLength === 0 || stream.destroyed) continue;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LAST_WAIT);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      stream.once('error', done).write('', done);
    });
  }
  await sink?.flush?.();
}
