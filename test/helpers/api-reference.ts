import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './readmes.ts';

/** The API reference as `npm run docs` makes it, but as data. */

/** One tag of a docstring, such as an example. */
interface Tag {
  readonly tag: string;
  readonly content: readonly { readonly text: string }[];
}

/** A name in the reference, with what is in it. */
export interface Entry {
  readonly name: string;
  readonly kind: number;
  readonly comment?: { readonly blockTags?: readonly Tag[] };
  readonly children?: readonly Entry[];
  readonly signatures?: readonly Entry[];
  readonly type?: { readonly declaration?: Entry };
  readonly extendedTypes?: readonly { readonly name?: string }[];
}

/** typedoc's numbers. */
export const KIND = { function: 64, class: 128, interface: 256, typeAlias: 2_097_152 } as const;

/** @returns what it said, and how it ended */
export async function typedoc(...args: readonly string[]): Promise<{ code: number; output: string }> {
  const bin = join(ROOT, 'node_modules/lambdesque-docs/node_modules/typedoc/bin/typedoc');
  const run = promisify(execFile)(process.execPath, [bin, '--logLevel', 'Warn', ...args], { cwd: ROOT });
  const { stdout, stderr, code } = await run.then(
    (ended) => ({ ...ended, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code, output: stdout + stderr };
}

export function readReference(path: string): Entry {
  return JSON.parse(readFileSync(path, 'utf8')) as Entry;
}

/** Its tags, and those of its signatures. */
export function tagsOf({ comment, signatures = [] }: Entry): readonly Tag[] {
  return [...(comment?.blockTags ?? []), ...signatures.flatMap((one) => one.comment?.blockTags ?? [])];
}

/** The code of each example, by the name that it is for. */
export function examplesOf(entry: Entry, path = entry.name): { readonly of: string; readonly code: string }[] {
  const inside = [...(entry.children ?? []), ...(entry.type?.declaration ? [entry.type.declaration] : [])];
  return [
    ...tagsOf(entry)
      .filter(({ tag }) => tag === '@example')
      .map(({ content }) => ({ of: path, code: codeOf(content.map(({ text }) => text).join('')) })),
    ...inside.flatMap((one) => examplesOf(one, `${path} ${one.name}`)),
  ];
}

function codeOf(markdown: string): string {
  return markdown.replace(/^```\w*\n/, '').replace(/\n```$/, '');
}
