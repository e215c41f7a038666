import { readFileSync } from 'node:fs';

export interface Sample {
  /** What is special about it. */
  readonly name: string;
  readonly bytes: Buffer;
  /** It opens like an object: the record of its attempts can be spliced in. */
  readonly opens: boolean;
}

interface Vector {
  readonly producer: string;
  readonly note: string;
  readonly key: string;
  readonly raw: string;
}

/** Bytes captured from real producers. */
export const vectors: readonly Vector[] = readFileSync(new URL('../wire/vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

const inString = (...bytes: number[]) =>
  Buffer.concat([Buffer.from('{"class":"A","args":["'), Buffer.from(bytes), Buffer.from('"]}')]);
const withArgs = (args: string) => `{"class":"A","args":[${args}]}`;
const withKey = (value: string) => `{"lambdesque":${value},"class":"A","args":[]}`;

const nasty: Readonly<Record<string, string | Buffer>> = {
  'a byte that is never UTF-8': inString(0xff),
  'UTF-8 that is cut short': inString(0xc3, 0x28, 0xe2, 0x98),
  'an encoded surrogate': inString(0xed, 0xa0, 0x80),
  'a NUL byte': inString(0x61, 0x00, 0x62),
  'control characters and DEL': inString(0x01, 0x0a, 0x0d, 0x1f, 0x7f),
  'invalid UTF-8 before the opening brace': Buffer.concat([Buffer.from([0x20, 0xfe]), Buffer.from(withArgs(''))]),
  'a byte order mark': `\ufeff${withArgs('')}`,
  'escaped lone surrogates': withArgs('"\\ud800","\\udc00x","\\uDBFF"'),
  'an escaped NUL': withArgs('"\\u0000"'),
  'escaped slashes': withArgs('"a\\/b","<\\/script>"'),
  'line and paragraph separators': withArgs('"\u2028\u2029"'),
  'characters beyond the BMP': withArgs('"😀👩‍👩‍👧"'),
  'numbers with an idle fraction or exponent': withArgs('1.0,1e0,1E+2,-0,-0.0,0.10'),
  'numbers that no double holds': withArgs(
    '9007199254740993,123456789012345678901234567890,1e400,0.1000000000000000055',
  ),
  'duplicate keys': '{"class":"A","class":"B","args":[1],"args":[2]}',
  'keys in another order, and unknown ones': '{"x":{"args":[]},"args":[],"__proto__":{"a":1},"class":"A"}',
  'an empty key': '{"":1,"class":"A","args":[]}',
  'leading white space': '\n\t \r  {"class":"A","args":[]}',
  'white space everywhere': ' { "class" : "A" ,\n"args" : [ 1 , 2 ] } \n',
  'leading white space that is not JSON': '\u00a0\v\f{"class":"A","args":[]}',
  'patterns of Lua and of regular expressions': withArgs('"%d+ %1 %% (.-) $& $1 [^\\"] .*"'),
  'what Redis and Upstash answer': withArgs('"+OK\\r\\n$-1\\r\\n","T0s="'),
  'OK and nothing else': 'OK',
  'base64 of OK': 'T0s=',
  'one megabyte': withArgs(`"${'0123456789abcdef'.repeat(65_536)}"`),
  'a thousand levels': withArgs(`${'['.repeat(1_000)}${']'.repeat(1_000)}`),
  'an own lambdesque key, not first': '{"class":"A","lambdesque":{"id":"x","attempts":1,"deaths":0},"args":[]}',
  'an own lambdesque key with white space': '{ "lambdesque":{"id":"x","attempts":1,"deaths":0},"class":"A","args":[]}',
  'an own lambdesque key with white space inside': withKey('{"id": "x","attempts":1,"deaths":0}'),
  'an own lambdesque key that is a string': withKey('"x"'),
  'an own lambdesque key that is empty': withKey('{}'),
  'an own lambdesque key without deaths': withKey('{"id":"x","attempts":1}'),
  'an own lambdesque key with more in it': withKey('{"id":"x","attempts":1,"deaths":0,"more":1}'),
  'an own lambdesque key with errors of another form': withKey('{"id":"x","attempts":1,"deaths":0,"errors":["boom"]}'),
  'an own lambdesque key with a quote in its errors': withKey('{"id":"x","attempts":1,"deaths":0,"errors":"a\\"b"}'),
  'an own lambdesque key with more than errors': withKey('{"id":"x","attempts":1,"deaths":0,"errors":"a","b":"c"}'),
  'an own lambdesque key in another order': withKey('{"attempts":1,"deaths":0,"id":"x"}'),
  'an own lambdesque key with a quote in its id': withKey('{"id":"x\\"y","attempts":1,"deaths":0}'),
  'an own lambdesque key with braces in its id': withKey('{"id":"{x}","attempts":1,"deaths":0}'),
  'an own lambdesque key with negative numbers': withKey('{"id":"x","attempts":-1,"deaths":0}'),
  'an own lambdesque key with fractions': withKey('{"id":"x","attempts":1.0,"deaths":0}'),
  'an own lambdesque key and nothing else': '{"lambdesque":{"id":"x","attempts":1,"deaths":0}}',
  'the beginning of a lambdesque key': '{"lambdesque":{"id":"',
  'an empty string': '',
  'white space only': ' \n',
  'a word': 'hello',
  'an opening brace only': '{',
  'an empty object': '{}',
  'an object that is cut short': '{"class":"A","args":[',
  'an object with a comma too many': '{"class":"A","args":[],}',
  'two objects': '{"class":"A","args":[]}{"class":"B","args":[]}',
  'an array': '[{"class":"A","args":[]}]',
  null: 'null',
  'a string': '"{\\"class\\":\\"A\\"}"',
};

function sample(name: string, payload: string | Buffer): Sample {
  const bytes = Buffer.from(payload);
  return { name, bytes, opens: /^[ \t\n\r]*\{/.test(bytes.toString('latin1')) };
}

/** Every captured payload and every one that something might trip over. */
export const samples: readonly Sample[] = [
  ...vectors.map(({ producer, note, raw }) => sample(`${producer}: ${note}`, raw)),
  ...Object.entries(nasty).map(([name, payload]) => sample(name, payload)),
];

/** The payload with a record of attempts behind its opening brace. */
export function spliced(
  bytes: Buffer,
  record: { id: string; attempts: number; deaths: number; errors?: string },
): Buffer {
  const at = bytes.indexOf('{') + 1;
  const { id, attempts, deaths, errors } = record;
  const told = errors === undefined ? '' : `,"errors":"${errors}"`;
  const key = `"lambdesque":{"id":"${id}","attempts":${attempts},"deaths":${deaths}${told}},`;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(key), bytes.subarray(at)]);
}
