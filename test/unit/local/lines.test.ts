import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { linesOf } from '../../../infra/local/lines.ts';

test.each([
  [['a\nb\n'], ['a', 'b']],
  [['a\nb'], ['a', 'b']],
  [
    ['a', 'b\n', '\nc'],
    ['ab', '', 'c'],
  ],
  [['a\u2028b\u0085c\rd\n'], ['a\u2028b\u0085c\rd']],
  [[], []],
])('%j is lines %j', async (chunks, lines) => {
  expect(
    await Array.fromAsync(
      linesOf(
        Readable.from(
          chunks.map((chunk) => Buffer.from(chunk)),
          { objectMode: false },
        ),
      ),
    ),
  ).toEqual(lines);
});

test('a character may come in two pieces', async () => {
  const bytes = Buffer.from('Zoë\n');
  const input = Readable.from([bytes.subarray(0, 3), bytes.subarray(3)], { objectMode: false });
  expect(await Array.fromAsync(linesOf(input))).toEqual(['Zoë']);
});
