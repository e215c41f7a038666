import { isAscii, isUtf8 } from 'node:buffer';
import type { RawJob } from '../../types.ts';

/** Payloads as they come from Redis, one behind the other: one piece of memory for hundreds of jobs, not one each. */
export class Batch {
  readonly bytes: Buffer;
  readonly isAscii: boolean;
  readonly isUtf8: boolean;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.isAscii = isAscii(bytes);
    this.isUtf8 = this.isAscii || isUtf8(bytes);
  }
}

/** A job of a batch. Bytes and text are made when they are asked for. */
export class BatchedJob implements RawJob {
  readonly queue: string;
  readonly seq: number;
  readonly #batch: Batch;
  readonly #start: number;
  readonly #end: number;

  constructor(batch: Batch, queue: string, seq: number, start: number, end: number) {
    this.#batch = batch;
    this.queue = queue;
    this.seq = seq;
    this.#start = start;
    this.#end = end;
  }

  get size(): number {
    return this.#end - this.#start;
  }

  get bytes(): Buffer {
    return this.#batch.bytes.subarray(this.#start, this.#end);
  }

  get text(): string | undefined {
    const { bytes, isAscii: ascii } = this.#batch;
    if (ascii) return bytes.toString('latin1', this.#start, this.#end);
    return this.#isUtf8() ? bytes.toString('utf8', this.#start, this.#end) : undefined;
  }

  /** In a batch that is UTF-8 as a whole, a job is as well, unless a character is cut by its start or end. */
  #isUtf8(): boolean {
    const { bytes, isUtf8: whole } = this.#batch;
    const continues = (at: number) => at < bytes.length && ((bytes[at] ?? 0) & 0xc0) === 0x80;
    if (whole && !continues(this.#start) && !continues(this.#end)) return true;
    return isUtf8(this.bytes);
  }
}

/** A job of a batch whose text is at hand. */
class TextJob implements RawJob {
  readonly queue: string;
  readonly seq: number;
  readonly text: string;
  readonly size: number;

  constructor(queue: string, seq: number, text: string, size: number) {
    this.queue = queue;
    this.seq = seq;
    this.text = text;
    this.size = size;
  }

  get bytes(): Buffer {
    return Buffer.from(this.text);
  }
}

const NEWLINE = 10;

/**
 * The jobs of one run of payloads.
 * @param lengths of the payloads in `bytes`, one behind the other; undefined: they stand there in lines
 * @param queue of all of them, or what is asked for that of each, in order
 */
export function jobsOf(
  bytes: Buffer,
  lengths: readonly number[] | undefined,
  queue: string | (() => string),
  firstSeq: number,
): RawJob[] {
  const batch = new Batch(bytes);
  // One text for all and a piece of it for each is less work than a text for each.
  if (!lengths && batch.isUtf8) {
    const { isAscii: ascii } = batch;
    const texts = bytes.toString(ascii ? 'latin1' : 'utf8').split('\n');
    return texts.map(
      (text, i) =>
        new TextJob(
          typeof queue === 'string' ? queue : queue(),
          firstSeq + i,
          text,
          ascii ? text.length : Buffer.byteLength(text),
        ),
    );
  }
  const queueOfNext = typeof queue === 'string' ? () => queue : queue;
  const jobs: RawJob[] = [];
  if (!lengths) {
    for (let start = 0; start <= bytes.length; ) {
      const found = bytes.indexOf(NEWLINE, start);
      const end = found === -1 ? bytes.length : found;
      jobs.push(new BatchedJob(batch, queueOfNext(), firstSeq + jobs.length, start, end));
      start = end + 1;
    }
  } else {
    let start = 0;
    for (const [i, length] of lengths.entries()) {
      jobs.push(new BatchedJob(batch, queueOfNext(), firstSeq + i, start, start + length));
      start += length;
    }
  }
  return jobs;
}
