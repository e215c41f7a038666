#!/usr/bin/env node
/*
 * The command's entry. What it does is in main.ts, which is loaded here: only with a Node.js that can run it, and from a
 * cache of what was compiled before, so that a command starts in a third of the time.
 */
import * as nodeModule from 'node:module';

/** As package.json has it under `engines`. */
const OLDEST = [22, 12] as const;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  console.error(
    `error: lambdesque needs Node.js ${OLDEST.join('.')} or later; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(2);
}
const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
enableCompileCache?.();
await import('./main.ts');
