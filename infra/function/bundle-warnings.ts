import { existsSync, readFileSync } from 'node:fs';
import { Annotations, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { largePackages, type Metafile } from './bundle-content.ts';

/** By stack: consumers of the same jobs have the same bundle, and one of them is enough to be told. */
const told = new WeakMap<Stack, Set<string>>();

/** Warns, at synth, of each package that makes a function's bundle large. @param metafile what esbuild said of it, if it ran */
export function warnOfLargePackages(scope: Construct, metafile: string | undefined): void {
  if (metafile === undefined || !existsSync(metafile)) return;
  const stack = Stack.of(scope);
  const known = told.get(stack) ?? new Set();
  told.set(stack, known);
  if (known.has(metafile)) return;
  known.add(metafile);
  const made = JSON.parse(readFileSync(metafile, 'utf8')) as Metafile;
  for (const [name, message] of largePackages(made)) {
    Annotations.of(scope).addWarningV2(`lambdesque:largePackage:${name}`, `In the function's bundle, ${message}`);
  }
}
