import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Bundle, bundle } from './bundle.ts';
import { buildPackage } from './package.ts';

/** `npm run build`: the package in dist/, and how large the functions are that are made of it, with the jobs of this repository. */

const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
const SHOWN = 12;

const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

function print(title: string, { bytes, gzipped, content, file, warnings }: Bundle): void {
  console.log(`\n${title}: ${kB(bytes).trim()} minified, ${kB(gzipped).trim()} gzipped`);
  for (const [name, size] of content.slice(0, SHOWN)) console.log(`  ${kB(size)}  ${name}`);
  const rest = content.slice(SHOWN).reduce((sum, [, size]) => sum + size, 0);
  console.log(`  ${kB(rest)}  ${content.length - SHOWN} others\n  ${file}`);
  for (const warning of warnings) console.warn(`  warning: ${warning}`);
}

try {
  await buildPackage(DIST);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
const of = await import(pathToFileURL(join(DIST, 'functions/contract/bundling.js')).href);
for (const entry of ['consumer', 'scheduler', 'dashboard'] as const) {
  for (const backend of ['upstash', 'tcp'] as const) {
    const outdir = join('dist/bundles', `${entry}-${backend}`);
    const made = await bundle({ entry, backend, jobs: './functions/jobs/index.ts', outdir, of });
    print(`${entry} over ${backend === 'upstash' ? 'REST (Upstash)' : 'TCP'}`, made);
  }
}
