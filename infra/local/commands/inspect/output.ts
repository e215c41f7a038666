import { stringify } from '../../../../shared/internal.ts';
import { type Column, table } from '../../table.ts';
import { printable, wrap } from '../../terminal-text.ts';

/** A line of what is shown of one thing: its name, and the text; left out where that is empty. */
export type Field = readonly [name: string, text: string | number | undefined];

/**
 * What a command prints: tables and sentences for people, one JSON object a line with `--json`. What was not found is
 * told on standard error, and makes the exit code 1.
 */
export class Output {
  readonly json: boolean;
  /** Redis's clock, epoch ms. */
  readonly now: number;

  /** Of several. */
  readonly #shard: string | undefined;

  constructor(json: boolean, now: number, shard?: string) {
    this.json = json;
    this.now = now;
    this.#shard = shard;
  }

  /** Things of one kind. @param none said where there are none */
  rows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): void {
    if (this.json) for (const row of rows) this.object(row);
    else if (rows.length === 0) console.error(printable(none));
    else console.log(table(rows, columns));
  }

  /** One thing, for programs. */
  object(value: unknown): void {
    const isNamed = this.#shard !== undefined && typeof value === 'object' && value !== null;
    console.log(stringify(isNamed ? { shard: this.#shard, ...value } : value));
  }

  /** One thing. @param value of it, for programs */
  one(value: unknown, fields: readonly Field[]): void {
    if (this.json) {
      this.object(value);
      return;
    }
    const shown = fields.filter(([, text]) => text !== undefined && text !== '');
    const width = Math.max(...shown.map(([name]) => name.length));
    for (const [name, text] of shown) {
      const [first = '', ...more] = String(text).split('\n').map(printable);
      console.log(`${name.padEnd(width)}  ${first}`);
      for (const line of more) console.log(`${' '.repeat(width)}  ${line}`);
    }
  }

  /** What was done. @param value of it, for programs */
  done(value: unknown, sentence: string): void {
    if (this.json) this.object(value);
    else console.log(printable(sentence));
  }

  /** A remark for people, such as how to go on. */
  hint(sentence: string): void {
    if (!this.json) console.error(printable(sentence));
  }

  /** There is nothing of what was asked for: exit code 1. */
  missing(sentence: string): void {
    for (const line of wrap(printable(sentence), 200)) console.error(line);
    process.exitCode = 1;
  }
}
