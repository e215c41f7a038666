import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { Stack, Stage } from 'aws-cdk-lib';
import { type BundlingOptions, LogLevel, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';
import { aliases, bundling, defines } from '../../functions/contract/bundling.ts';
import type { RedisSettings } from '../../functions/contract/settings.ts';
import type { CronEntry } from '../../shared/index.ts';
import type { Registry } from '../../shared/internal.ts';
import { omitUndefined } from '../omit-undefined.ts';

export interface BundleContent {
  readonly backend: RedisSettings['kind'];
  /** The jobs module; a path from the folder of cdk.json. */
  readonly jobs: string;
  /** Of the dashboard: the module with what its pages load. @default none */
  readonly assets?: string;
  /** Of what enqueues events: the module that says what becomes of one. @default none */
  readonly map?: string;
  /** They trace by OpenTelemetry. @default false */
  readonly traced?: boolean;
  /** Constants of the scheduler and the dashboard. @default none */
  readonly constants?: { readonly cron: Readonly<Record<string, CronEntry>>; readonly registry: Registry };
}

/**
 * functions/contract/bundling.ts in the words of NodejsFunction, and what the user adds, which wins.
 * @param content undefined for what has neither jobs nor Redis
 */
export function bundlingOptions(
  content?: BundleContent,
  more: BundlingOptions = {},
  metafile?: string,
): BundlingOptions {
  const { '--alias': moreAlias = [], ...args } = more.esbuildArgs ?? {};
  const map = content?.map;
  const names = content
    ? aliases(content.backend, resolve(content.jobs), content.assets, map && resolve(map), content.traced)
    : {};
  const alias = Object.entries(names).map(([name, file]) => `${name}=${file}`);
  const constants = content?.constants;
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
      ...omitUndefined({ '--metafile': metafile }),
      ...args,
      ...(content ? { '--alias': [...alias, ...[moreAlias].flat().map(String)] } : {}),
    },
  };
}

/**
 * Where esbuild is to write what a bundle holds: beside the assets, as it would change the function in one of them.
 * @returns the same file for the same bundle, which is made once; undefined where none is made, or the user has it written
 */
export function metafileFor(scope: Construct, content: BundleContent, more: BundlingOptions = {}): string | undefined {
  if (!Stack.of(scope).bundlingRequired || more.metafile) return undefined;
  const { define, esbuildArgs } = bundlingOptions(content, more);
  const hash = createHash('sha256')
    .update(JSON.stringify([define, esbuildArgs]))
    .digest('hex')
    .slice(0, 16);
  return join(resolve(Stage.of(scope)?.assetOutdir ?? '.'), `lambdesque-bundle-${hash}.json`);
}
