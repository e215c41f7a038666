import { isAscii, isUtf8 } from 'node:buffer';
import type { RawJob } from '../types.ts';

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
