import { resolve } from 'node:path';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { aliases, bundling, defines } from '../../functions/contract/bundling.ts';
import type { RedisSettings } from '../../functions/contract/settings.ts';
import type { CronEntry } from '../../shared/index.ts';
import type { Registry } from '../../shared/internal.ts';
import { omitUndefined } from '../omit-undefined.ts';

export interface BundleContent {
  readonly backend: RedisSettings['kind'];
  /** The jobs module; a path from the folder of cdk.json. */
  readonly jobs: string;
  /** A scheduler's constants. @default none */
  readonly constants?: { readonly cron: Readonly<Record<string, CronEntry>>; readonly registry: Registry };
}

/** functions/contract/bundling.ts in the words of NodejsFunction, and what the user adds, which wins. */
export function bundlingOptions(
  { backend, jobs, constants }: BundleContent,
  more: BundlingOptions = {},
): BundlingOptions {
  const { '--alias': moreAlias = [], ...args } = more.esbuildArgs ?? {};
  const alias = Object.entries(aliases(backend, resolve(jobs))).map(([name, file]) => `${name}=${file}`);
  return {
    target: bundling.target,
    externalModules: [...bundling.external],
    format: OutputFormat.ESM,
    mainFields: [...bundling.mainFields],
    minify: bundling.minify,
    keepNames: bundling.keepNames,
    sourceMap: bundling.sourcemap,
    sourcesContent: bundling.sourcesContent,
    banner: bundling.banner,
    logLevel: LogLevel.WARNING,
    ...omitUndefined(more),
    define: { ...(constants ? defines(constants.cron, constants.registry) : {}), ...more.define },
    esbuildArgs: {
      '--conditions': bundling.conditions.join(','),
      '--legal-comments': bundling.legalComments,
      ...args,
      '--alias': [...alias, ...[moreAlias].flat().map(String)],
    },
  };
}
