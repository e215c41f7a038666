/** Payloads that a worker may meet, and what has to become of each. Every class is one of worker-jobs.ts. */

export interface BadInput {
  readonly what: string;
  readonly bytes: string | Buffer;
  /** What the failed entry has to say; absent where the job has to run. */
  readonly fails?: { readonly exception: string; readonly error: RegExp };
  /** Failed, and no JSON of an object: the payload stands there as a string. */
  readonly asText?: true;
  /** What the Inspect job logs. */
  readonly inspected?: Readonly<Record<string, unknown>>;
}

const notJson = { exception: 'PayloadError', error: /^The payload is no Resque job: it is not JSON/ };
const noObject = (kind: string) => ({ exception: 'PayloadError', error: new RegExp(`it is ${kind}, not an object`) });
const noClass = (kind: string) => ({ exception: 'PayloadError', error: new RegExp(`its "class" is ${kind},`) });
const refused = (error: RegExp) => ({ exception: 'ArgumentsError', error });
const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const big = 'x'.repeat(10_000_000);

export const badInputs: readonly BadInput[] = [
  { what: 'text that is not JSON', bytes: 'Hello "there" \\ 1', fails: notJson, asText: true },
  { what: 'an empty payload', bytes: '', fails: notJson, asText: true },
  { what: 'JSON that breaks off', bytes: '{"class":"Inspect","args":["x"', fails: notJson, asText: true },
  { what: 'two objects', bytes: '{"class":"Inspect"}{"class":"Inspect"}', fails: notJson, asText: true },
  { what: 'a comma too many', bytes: '{"class":"Inspect","args":["x"],}', fails: notJson, asText: true },
  { what: 'a byte order mark', bytes: '\ufeff{"class":"Inspect"}', fails: notJson, asText: true },
  { what: 'NaN', bytes: '{"class":"Inspect","args":[NaN]}', fails: notJson, asText: true },
  { what: 'NUL bytes', bytes: '\0{"class":"Inspect"}\0', fails: notJson, asText: true },
  { what: 'a raw newline in a string', bytes: '{"class":"Ins\npect"}', fails: notJson, asText: true },
  { what: 'an array', bytes: '[{"class":"Inspect"}]', fails: noObject('an array'), asText: true },
  { what: 'a string', bytes: '"Inspect"', fails: noObject('a string'), asText: true },
  { what: 'a number', bytes: ' 12345678901234567890 ', fails: noObject('a (number|bigint)'), asText: true },
  { what: 'null', bytes: 'null', fails: noObject('null'), asText: true },
  { what: 'true', bytes: 'true', fails: noObject('a boolean'), asText: true },
  { what: 'no class', bytes: '{"args":[1.0]}', fails: noClass('missing') },
  { what: 'an empty object', bytes: '{}', fails: noClass('missing') },
  { what: 'an empty class', bytes: '{"class":"", "args":[]}', fails: noClass('empty') },
  { what: 'a class that is null', bytes: '{"class":null}', fails: noClass('null') },
  { what: 'a class that is a number', bytes: '{"class":42}', fails: noClass('a number') },
  { what: 'a class that is an array', bytes: '{"class":["Inspect"]}', fails: noClass('an array') },
  { what: 'a class only on its __proto__', bytes: '{"__proto__":{"class":"Inspect"}}', fails: noClass('missing') },
  {
    what: 'invalid UTF-8',
    bytes: Buffer.concat([Buffer.from('{"class":"Inspect","args":["'), Buffer.from([0xff, 0xc3]), Buffer.from('"]}')]),
    fails: { exception: 'PayloadError', error: /it is not valid UTF-8/ },
    asText: true,
  },
  {
    what: 'a UTF-8 encoded surrogate',
    bytes: Buffer.from([...Buffer.from('{"class":"'), 0xed, 0xa0, 0x80, ...Buffer.from('"}')]),
    fails: { exception: 'PayloadError', error: /it is not valid UTF-8/ },
    asText: true,
  },
  {
    what: 'an unknown class',
    bytes: String.raw`{"class":"Nobody\/1","args":[{"a":1.0}]}`,
    fails: { exception: 'UnknownClassError', error: /^No worker for Nobody\/1 in queue row-/ },
  },
  {
    what: 'an unknown class of half a character',
    bytes: String.raw`{"class":"\ud800","args":["\udfff"]}`,
    asText: true,
    fails: { exception: 'UnknownClassError', error: /^No worker for \ufffd in queue row-/ },
  },
  {
    what: 'an unknown class with 10 MB of arguments',
    bytes: `{"class":"Nobody","args":["${big}"]}`,
    fails: { exception: 'UnknownClassError', error: /^No worker for Nobody in queue row-/ },
  },
  {
    what: 'an unknown class that is a name of every object',
    bytes: '{"class":"constructor"}',
    fails: { exception: 'UnknownClassError', error: /^No worker for constructor/ },
  },
  {
    what: 'arguments that the schema refuses',
    bytes: '{"class":"Strict","args":["a",{"count":"many"}]}',
    fails: refused(/args\.1\.count: Invalid input: expected number, received string/),
  },
  { what: 'too few arguments', bytes: '{"class":"Strict","args":["a"]}', fails: refused(/args\.1: |Too small/) },
  {
    what: 'no arguments for a class that needs some',
    bytes: '{"class":"Strict"}',
    fails: refused(/Strict/),
  },

  { what: 'no args', bytes: '{"class":"Inspect"}', inspected: { kinds: [] } },
  { what: 'args that are an object', bytes: '{"class":"Inspect","args":{"a":1}}', inspected: { kinds: ['object'] } },
  { what: 'args that are a string', bytes: '{"class":"Inspect","args":"one"}', inspected: { kinds: ['string'] } },
  { what: 'args that are a number', bytes: '{"class":"Inspect","args":7}', inspected: { kinds: ['number'] } },
  { what: 'args that are null', bytes: '{"class":"Inspect","args":null}', inspected: { kinds: [] } },
  {
    what: '__proto__ as a key everywhere',
    bytes:
      '{"__proto__":{"polluted":1},"class":"Inspect","args":["a",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}]}',
    inspected: { keys: ['__proto__', 'constructor'] },
  },
  {
    what: '__proto__ beside a long number',
    bytes: '{"class":"Inspect","args":["a",{"__proto__":{"polluted":12345678901234567890}}]}',
    inspected: { keys: ['__proto__'] },
  },
  {
    what: 'duplicate keys, of which the last one counts',
    bytes: '{"class":"Nobody","args":["x"],"class":"Inspect","args":["a","last"]}',
    inspected: { text: 'last' },
  },
  {
    what: 'lone surrogates and NUL as escapes',
    bytes: String.raw`{"class":"Inspect","args":["a","\ud83d\u0000\udca9"]}`,
    inspected: { kinds: ['string', 'string'] },
  },
  {
    what: '10 MB of arguments',
    bytes: `{"class":"Inspect","args":["a","${big}"]}`,
    inspected: { length: 10_000_000 + '{"class":"Inspect","args":["a",""]}'.length },
  },
  { what: '1,000 levels', bytes: `{"class":"Inspect","args":["a",${deep(1_000)}]}`, inspected: { keys: ['0'] } },
  {
    what: '1,000 levels beside a long number',
    bytes: `{"class":"Inspect","args":["a",[${deep(998)},12345678901234567890]]}`,
    inspected: { keys: ['0', '1'] },
  },
  {
    what: 'integers that a double cannot hold',
    bytes: '{"class":"Inspect","args":["a",12345678901234567890,-9007199254740993,1e400,1.5]}',
    inspected: {
      kinds: ['string', 'bigint', 'bigint', 'number', 'number'],
      text: '12345678901234567890|-9007199254740993|Infinity|1.5',
    },
  },
  {
    what: 'white space around everything',
    bytes: ' \t\r\n{ "args" : [ "a" ] ,\n"class" : "Inspect" } \n',
    inspected: { kinds: ['string'] },
  },
];
