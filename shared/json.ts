/** JSON with integers that a double cannot hold. Uses JSON.rawJSON and the reviver's source text (V8 11.4, Node 21). */

interface JsonWithRaw extends Pick<JSON, 'stringify'> {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
}
const json = JSON as unknown as JsonWithRaw;

/**
 * What JSON.stringify gives, with each bigint written as the integer that it is. Only a value that holds one pays for it.
 * @param indent spaces for each level; 0: all in one line
 */
export function stringify(value: unknown, indent = 0): string {
  // Many programs give bigints a toJSON that makes text of them; with it JSON.stringify would not complain.
  if ('toJSON' in BigInt.prototype) return stringifyWithBigInts(value, indent);
  try {
    return JSON.stringify(value, null, indent);
  } catch (error) {
    if (!(error instanceof TypeError && /BigInt/.test(error.message))) throw error;
    return stringifyWithBigInts(value, indent);
  }
}

function stringifyWithBigInts(value: unknown, indent: number): string {
  // `this` holds the value as it was before any toJSON.
  const asWritten = function (this: Record<string, unknown>, key: string, inner: unknown) {
    const own = this[key];
    return typeof own === 'bigint' ? json.rawJSON(String(own)) : inner;
  };
  return json.stringify(value, asWritten, indent);
}

/** JSON.stringify writes halves of surrogate pairs as such escapes, and nothing else. */
const HALF = /(?<!\\)(?:\\\\)*\\ud/;

/** Does a text hold half of a surrogate pair? It is no UTF-8, and Ruby's workers end at it. @param json as `stringify` writes it */
export function hasHalfPair(json: string): boolean {
  // One scan for nearly every job.
  return json.includes('\\ud') && HALF.test(json);
}

/** Any integer beyond Number.MAX_SAFE_INTEGER has so many digits or more. */
const LONG = 16;
const INTEGER = /^-?\d+$/;

/** A run of so many digits covers each place that is a multiple of its length: most characters need not be looked at. */
function hasLongNumber(text: string): boolean {
  const isDigit = (at: number) => {
    const code = text.charCodeAt(at);
    return code >= 48 && code <= 57;
  };
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(at)) continue;
    let first = at;
    while (isDigit(first - 1)) first--;
    while (isDigit(at + 1)) at++;
    if (at - first + 1 >= LONG) return true;
  }
  return false;
}

/** What JSON.parse gives, with each integer beyond ±(2⁵³−1) as a bigint. Text without long runs of digits costs one scan. */
export function parseWithBigInts(text: string): unknown {
  if (!hasLongNumber(text)) return JSON.parse(text);
  try {
    return parseSlowly(text);
  } catch (error) {
    // A reviver recurses; JSON.parse by itself does not, and reads what is nested thousands of levels deep.
    if (!(error instanceof RangeError)) throw error;
    return JSON.parse(text);
  }
}

function parseSlowly(text: string): unknown {
  return json.parse(text, (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && INTEGER.test(context.source ?? '')
      ? BigInt(context.source ?? '')
      : value,
  );
}
