import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import { aliases, bundling, defines, entries } from '../functions/contract/bundling.ts';
import type { RedisSettings } from '../functions/contract/settings.ts';
import type { CronEntry } from '../shared/index.ts';
import { importJobs } from './modules/jobs.ts';

export type BundleName = keyof typeof entries;

export interface BundleOptions {
  readonly entry: BundleName;
  readonly backend: RedisSettings['kind'];
  /** Path of the jobs module. */
  readonly jobs: string;
  /** @default none */
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /** Folder that gets `index.mjs` and its source map. */
  readonly outdir: string;
}

export interface Bundle {
  readonly file: string;
  /** Minified. */
  readonly bytes: number;
  readonly gzipped: number;
  /** Bytes of each package or part of this repository, the largest first. */
  readonly content: readonly (readonly [name: string, bytes: number])[];
}

/** One function's bundle, made with the options that the CDK constructs use. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const jobs = resolve(options.jobs);
  const { banner, conditions, external, mainFields, ...rest } = bundling;
  const file = join(options.outdir, 'index.mjs');
  const { metafile } = await build({
    ...rest,
    banner: { js: banner },
    conditions: [...conditions],
    external: [...external],
    mainFields: [...mainFields],
    entryPoints: [entries[options.entry]],
    alias: aliases(options.backend, jobs),
    define: options.entry === 'scheduler' ? defines(options.cron ?? {}, await importJobs(jobs)) : {},
    outfile: file,
    metafile: true,
    logLevel: 'warning',
  });
  const code = readFileSync(file);
  return { file, bytes: code.length, gzipped: gzipSync(code).length, content: contentOf(metafile) };
}

function contentOf(metafile: Metafile): Bundle['content'] {
  const output = Object.entries(metafile.outputs).find(([path]) => path.endsWith('.mjs'))?.[1];
  const sizes = new Map<string, number>();
  for (const [path, { bytesInOutput }] of Object.entries(output?.inputs ?? {})) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path.split('/').slice(0, -1).join('/');
    sizes.set(name, (sizes.get(name) ?? 0) + bytesInOutput);
  }
  return [...sizes].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
}

/** `npm run build`: every bundle with the jobs of this repository, and what it holds. */
async function main(): Promise<void> {
  const kB = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);
  for (const entry of ['consumer', 'scheduler'] as const) {
    for (const backend of ['upstash', 'tcp'] as const) {
      const outdir = join('dist', `${entry}-${backend}`);
      const made = await bundle({ entry, backend, jobs: './functions/jobs/index.ts', outdir });
      const over = backend === 'upstash' ? 'REST (Upstash)' : 'TCP';
      console.log(`\n${entry} over ${over}: ${kB(made.bytes).trim()} minified, ${kB(made.gzipped).trim()} gzipped`);
      for (const [name, bytes] of made.content.slice(0, 12)) console.log(`  ${kB(bytes)}  ${name}`);
      const rest = made.content.slice(12).reduce((sum, [, bytes]) => sum + bytes, 0);
      console.log(`  ${kB(rest)}  ${made.content.length - 12} others\n  ${made.file}`);
    }
  }
}

// import.meta.main is undefined before Node 24.2.
if (import.meta.main ?? realpathSync(process.argv[1] ?? '.') === import.meta.filename) await main();
