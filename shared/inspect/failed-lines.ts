import { isUtf8 } from 'node:buffer';

/** An entry of these bytes, which do not stand in a line of JSON as they are. */
interface WrappedEntry {
  readonly lambdesque_base64: string;
}

/** An entry as one line of JSON: as it stands, where it is that. */
export function lineOf(bytes: Buffer): string {
  if (isUtf8(bytes)) {
    const text = bytes.toString('utf8');
    if (!/[\n\r]/.test(text) && entryOfLine(text) === text) return text;
  }
  return JSON.stringify({ lambdesque_base64: bytes.toString('base64') } satisfies WrappedEntry);
}

/** @returns undefined for a line that is no entry */
export function entryOfLine(line: string): string | Buffer | undefined {
  // What a line feed leaves in a file that Windows wrote.
  const text = line.replace(/\r$/, '');
  const value = objectOf(text);
  const wrapped = value?.['lambdesque_base64'];
  if (typeof wrapped === 'string' && Object.keys(value ?? {}).length === 1) return Buffer.from(wrapped, 'base64');
  return value && 'payload' in value ? text : undefined;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
