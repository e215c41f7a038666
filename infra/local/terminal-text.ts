import stringWidth from 'string-width';

/** What a terminal obeys rather than shows: control characters, and marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const BLANKS = /[\t\n\v\f\r\u0085\u2028\u2029]/;
/** U+2400 and those behind it are pictures of the control characters, such as ␛. */
const PICTURES = 0x2400;
const PICTURE_OF_DELETE = '\u2421';
/** No script puts more marks on a letter. */
const MANY_MARKS = /(\p{M}{8})\p{M}+/gu;
/** Of one character, and on average in each column, UTF-16 units: longer than any emoji is. */
const LONGEST_CHARACTER = 32;
const LONGEST_COLUMN = 8;
const ASCII = /^[\x20-\x7e]*$/;

const characters = new Intl.Segmenter();

/**
 * Text that a terminal shows as it is, on one line, whoever wrote it: it moves no cursor, sets no title and no colour.
 * Classes, queues, ids and errors come from strangers.
 */
export function printable(text: string): string {
  if (ASCII.test(text)) return text;
  return text.toWellFormed().replace(MANY_MARKS, '$1').replace(OBEYED, harmless);
}

function harmless(control: string): string {
  if (BLANKS.test(control)) return ' ';
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(PICTURES + code);
  return code === 0x7f ? PICTURE_OF_DELETE : '\ufffd';
}

/** How many columns printable text takes: two for wide characters and emoji, none for combining marks. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** The text, or as much of its beginning as fits, with an ellipsis. @param width columns, 1 or more */
export function shorten(text: string, width: number): string {
  return fits(text, width) ? text : `${head(text, width - 1)}…`;
}

/** What is much too long is not measured to its end. */
function fits(text: string, width: number): boolean {
  return text.length <= width * LONGEST_COLUMN && widthOf(text) <= width;
}

/** As much of the beginning as fits, in whole characters. */
function head(text: string, width: number): string {
  // One more: it may be a mark on the last.
  if (ASCII.test(text.slice(0, width + 1))) return text.slice(0, width);
  let taken = '';
  let left = width;
  for (const { segment } of characters.segment(text.slice(0, (width + 1) * LONGEST_CHARACTER))) {
    left -= widthOf(segment);
    if (left < 0) break;
    taken += segment.length > LONGEST_CHARACTER ? segment.slice(0, LONGEST_CHARACTER).toWellFormed() : segment;
  }
  return taken;
}

/** Text with blanks up to a width. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** Lines of this width at most, broken behind a blank or a comma where that can be. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<=[ ,])/)) {
    if (fits((line + word).trimEnd(), width)) {
      line += word;
      continue;
    }
    if (line !== '') lines.push(line.trimEnd());
    line = word;
    while (!fits(line.trimEnd(), width)) {
      const part = head(line, width) || [...line].slice(0, 1).join('');
      lines.push(part);
      line = line.slice(part.length);
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line.trimEnd()];
}

/** A column, or a part of a line. */
export interface Shrinkable {
  /** Columns that it takes if there is room. */
  readonly width: number;
  /** How narrow it may become. */
  readonly least: number;
}

/** Widths that come to `room` at most, as far as the least widths allow: the widest give way first. */
export function shrink(parts: readonly Shrinkable[], room: number): number[] {
  const widths = parts.map(({ width, least }) => Math.max(least, Math.min(width, Math.max(room, 0))));
  for (let over = sum(widths) - room; over > 0; over--) {
    let widest: number | undefined;
    for (const [i, { least }] of parts.entries()) {
      const width = widths[i] ?? 0;
      if (width > least && (widest === undefined || width > (widths[widest] ?? 0))) widest = i;
    }
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}

/** Columns of a terminal that does not say how many it has, and of what is no terminal. */
const USUAL_WIDTH = 80;

/** The columns of the terminal behind standard output, as it is now. */
export function terminalWidth(): number {
  return process.stdout.columns || USUAL_WIDTH;
}
