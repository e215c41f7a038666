import { describe, expect, test } from 'vitest';
import { pad, printable, shorten, shrink, widthOf, wrap } from '../../../infra/local/terminal-text.ts';

const FAMILY = '👩‍👩‍👧';

test.each([
  ['abc', 3],
  ['日本', 4],
  ['e\u0301', 1],
  [FAMILY, 2],
  ['🇩🇪', 2],
  ['…', 1],
  ['', 0],
])('%j takes %s columns', (text, width) => {
  expect(widthOf(text)).toBe(width);
});

test('printable text is one line that a terminal shows as it is', () => {
  expect(printable('a\tb\r\nc')).toBe('a b  c');
  expect(printable('\u001b[31m\u007f\u009b\u202e\ud800')).toBe('␛[31m␡���');
  for (const text of ['Zoë', '日本', FAMILY, 'e\u0301']) expect(printable(text)).toBe(text);
});

test.each([
  ['abcdef', 6, 'abcdef'],
  ['abcdef', 4, 'abc…'],
  ['abcdef', 1, '…'],
  ['日本語', 6, '日本語'],
  ['日本語', 5, '日本…'],
  ['日本語', 4, '日…'],
  [`a${FAMILY}${FAMILY}`, 4, `a${FAMILY}…`],
  [`a${FAMILY}${FAMILY}`, 3, 'a…'],
  ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
])('%j in %s columns is %j: no character is cut in two', (text, width, shown) => {
  expect(shorten(text, width)).toBe(shown);
});

test('padding counts columns', () => {
  expect(pad('日本', 6)).toBe('日本  ');
  expect(pad('7', 3, 'right')).toBe('  7');
  expect(pad('long', 2)).toBe('long');
});

test('lines are broken behind blanks and commas, and a long word where it must be', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('a,b,c', 4)).toEqual(['a,b,', 'c']);
  expect(wrap('abcdefgh i', 3)).toEqual(['abc', 'def', 'gh', 'i']);
  expect(wrap('日本語', 4)).toEqual(['日本', '語']);
  expect(wrap('日本', 1)).toEqual(['日', '本']);
  expect(wrap('', 5)).toEqual(['']);
});

describe('widths', () => {
  test.each<[string, [number, number][], number, number[]]>([
    [
      'are left alone where there is room',
      [
        [5, 2],
        [7, 2],
      ],
      12,
      [5, 7],
    ],
    [
      'shrink from the widest',
      [
        [5, 2],
        [20, 2],
      ],
      12,
      [5, 7],
    ],
    [
      'shrink evenly then',
      [
        [20, 2],
        [20, 2],
      ],
      12,
      [6, 6],
    ],
    [
      'stop at the least',
      [
        [20, 9],
        [20, 2],
      ],
      12,
      [9, 3],
    ],
    [
      'may be more than the room, where all are at their least',
      [
        [20, 9],
        [20, 9],
      ],
      12,
      [9, 9],
    ],
    [
      'of what is far too wide take no time',
      [
        [1e9, 2],
        [3, 3],
      ],
      12,
      [9, 3],
    ],
  ])('%s', (_what, parts, room, widths) => {
    expect(
      shrink(
        parts.map(([width, least]) => ({ width, least })),
        room,
      ),
    ).toEqual(widths);
  });
});
