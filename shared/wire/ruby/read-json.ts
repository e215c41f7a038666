/**
 * JSON as Ruby has it: an object keeps the order of its keys, and a number or a text is as it was written (`1.0` is no `1`
 * there). A primitive is its source text.
 */
export type RubyJson = string | readonly RubyJson[] | ReadonlyMap<string, RubyJson>;

const TOKEN = /[ \t\n\r]*([[\]{},:]|"(?:[^"\\]|\\.)*"|[^[\]{},:"\s]+)/sy;

/** @param text valid JSON  @throws RangeError if it is nested thousands of levels deep */
function readJson(text: string): RubyJson {
  let at = 0;
  const next = () => {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[1] ?? '';
    at = TOKEN.lastIndex;
    return token;
  };
  const value = (token: string): RubyJson => (token === '[' ? array() : token === '{' ? object() : token);
  const array = () => {
    const items: RubyJson[] = [];
    for (let token = next(); token !== ']' && token !== ''; token = next()) if (token !== ',') items.push(value(token));
    return items;
  };
  const object = () => {
    const members = new Map<string, RubyJson>();
    for (let token = next(); token !== '}' && token !== ''; token = next()) {
      if (token === ',') continue;
      next(); // the colon
      members.set(JSON.parse(token) as string, value(next()));
    }
    return members;
  };
  return value(next());
}

/** The argument list of a payload, as `argsOf` has it. @param payload valid JSON of an object */
export function readArgs(payload: string): readonly RubyJson[] {
  const args = (readJson(payload) as ReadonlyMap<string, RubyJson>).get('args');
  if (Array.isArray(args)) return args;
  return args === undefined || args === 'null' ? [] : [args];
}
