/**
 * The lines of a stream of text, without their line feeds. Node's own reader also breaks at U+2028, which may stand in
 * JSON as it is.
 */
export async function* linesOf(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  input.setEncoding('utf8');
  let parts: string[] = [];
  for await (const chunk of input) {
    const [first = '', ...more] = String(chunk).split('\n');
    parts.push(first);
    for (const line of more) {
      yield parts.join('');
      parts = [line];
    }
  }
  const last = parts.join('');
  if (last !== '') yield last;
}
