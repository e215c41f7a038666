import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import * as sources from '../../functions/contract/bundling.ts';
import type { RedisSettings } from '../../functions/contract/settings.ts';
import type { CronEntry } from '../../shared/index.ts';
import { dashboardAssets } from '../dashboard/assets.ts';
import { type BundleParts, contentOf, largePackages } from '../function/bundle-content.ts';
import { importJobs } from '../modules/jobs.ts';

export type BundleName = keyof typeof sources.entries;

interface BundleOptions {
  readonly entry: BundleName;
  readonly backend: RedisSettings['kind'];
  /** Path of the jobs module. */
  readonly jobs: string;
  /** @default none */
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /** Folder that gets `index.mjs` and its source map. */
  readonly outdir: string;
  /** What it is made of: functions/contract/bundling.ts as it is here, or compiled. @default as it is here */
  readonly of?: typeof sources;
}

export interface Bundle {
  readonly file: string;
  /** Minified. */
  readonly bytes: number;
  readonly gzipped: number;
  /** Bytes of each package or part of this repository, the largest first. */
  readonly content: BundleParts;
  /** What synth would warn of. */
  readonly warnings: readonly string[];
}

/** One function's bundle, made with the options that the CDK constructs use. */
export async function bundle(options: BundleOptions): Promise<Bundle> {
  const { of: { aliases, bundling, defines, entries } = sources } = options;
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
    alias: aliases(options.backend, jobs, options.entry === 'dashboard' ? dashboardAssets() : undefined),
    define: options.entry === 'consumer' ? {} : defines(options.cron ?? {}, await importJobs(jobs)),
    outfile: file,
    metafile: true,
    logLevel: 'warning',
  });
  const code = readFileSync(file);
  return {
    file,
    bytes: code.length,
    gzipped: gzipSync(code).length,
    content: contentOf(metafile),
    warnings: [...largePackages(metafile).values()],
  };
}
