/** Where something stands in a text: from its first character to the one behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const STRUCTURE = /["{}[\]]/g;
const ATOM_END = /[,\]}\s]/g;
const BLANK = /[^ \t\n\r]/g;

/**
 * Where the values of an object stand in its JSON text, so that one can be cut out as it is. Of a key that stands
 * there twice, the last, as JSON.parse has it.
 * @param text valid JSON, an object; characters may be bytes, as `latin1` makes them
 */
export function membersOf(text: string): ReadonlyMap<string, Span> {
  const members = new Map<string, Span>();
  let at = skipBlanks(text, skipBlanks(text, 0) + 1);
  while (text[at] === '"') {
    const keyEnd = endOfString(text, at);
    const start = skipBlanks(text, skipBlanks(text, keyEnd) + 1);
    const end = endOfValue(text, start);
    members.set(JSON.parse(text.slice(at, keyEnd)) as string, { start, end });
    const comma = skipBlanks(text, end);
    if (text[comma] !== ',') break;
    at = skipBlanks(text, comma + 1);
  }
  return members;
}

function skipBlanks(text: string, from: number): number {
  BLANK.lastIndex = from;
  return BLANK.exec(text)?.index ?? text.length;
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
  return text.length;
}

function endOfValue(text: string, start: number): number {
  const first = text[start];
  if (first === '"') return endOfString(text, start);
  if (first !== '{' && first !== '[') {
    ATOM_END.lastIndex = start;
    return ATOM_END.exec(text)?.index ?? text.length;
  }
  let depth = 0;
  STRUCTURE.lastIndex = start;
  for (let found = STRUCTURE.exec(text); found; found = STRUCTURE.exec(text)) {
    const [mark] = found;
    if (mark === '"') STRUCTURE.lastIndex = endOfString(text, found.index);
    else if (mark === '{' || mark === '[') depth++;
    else if (--depth === 0) return found.index + 1;
  }
  return text.length;
}
