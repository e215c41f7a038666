import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CronEntry } from '../../shared/index.ts';
import type { Registry } from '../../shared/internal.ts';
import type { RedisSettings } from './settings.ts';

/**
 * How the functions are bundled: esbuild's options, for `npm run build` and for the CDK constructs alike. Each bundle
 * holds one Redis backend, and no AWS SDK: aws.ts does without, alarm-clock.ts takes the runtime's.
 */
export const bundling = {
  bundle: true,
  /** The runtime has the AWS SDK. */
  external: ['@aws-sdk/*', '@smithy/*'],
  platform: 'node',
  target: 'node24',
  format: 'esm',
  /** ES modules where a package has them: only those can be shaken. */
  mainFields: ['module', 'main'],
  conditions: ['module'],
  minify: true,
  /** The names of error classes appear in the failed list. */
  keepNames: true,
  sourcemap: true,
  /** Lines and names are enough for a stack trace; the code itself would double the package. */
  sourcesContent: false,
  legalComments: 'none',
  /** ioredis is CommonJS and requires Node's own modules. */
  banner: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
} as const;

/** The entry files. */
export const entries = {
  consumer: pathOf('../entries/consumer'),
  scheduler: pathOf('../entries/scheduler'),
  dashboard: pathOf('../dashboard'),
  doorbell: pathOf('../doorbell'),
  enqueue: pathOf('../entries/enqueue'),
} as const;

const backends: Readonly<Record<RedisSettings['kind'], string>> = {
  upstash: pathOf('../backends/upstash'),
  tcp: pathOf('../backends/tcp'),
};

/**
 * Module names that stand for other files.
 * @param jobs absolute path of the jobs module
 * @param traced the functions trace by OpenTelemetry, whose API is installed then
 * @param map that of the module that says what becomes of an event; only the bundle that enqueues needs one
 * @param assets that of the module with the dashboard's script and style sheet; only its bundle needs one
 */
export function aliases(
  backend: RedisSettings['kind'],
  jobs: string,
  assets?: string,
  map?: string,
  traced = false,
): Record<string, string> {
  return {
    // One instance of this package, whatever the jobs module would find.
    lambdesque: pathOf('../../shared/index'),
    'lambdesque-backend': backends[backend],
    'lambdesque-jobs': jobs,
    'lambdesque/opentelemetry': pathOf('../../shared/opentelemetry/index'),
    'lambdesque-telemetry': pathOf(traced ? '../telemetry/open-telemetry' : '../telemetry/none'),
    'lambdesque-map': map ?? pathOf('../enqueue/no-map'),
    ...(assets === undefined ? {} : { 'lambdesque-dashboard-assets': assets }),
    ...(backend === 'upstash' ? { 'lambdesque-upstash-http': upstashHttp() } : ofNode()),
  };
}

/**
 * The file of `@upstash/redis` that has its HTTP client. What the package exports is a class with a method for each of
 * Redis's commands, which no bundler can shake: 93 kB, where we send two commands and the client is 5 kB. The file has no
 * name that they promise to keep, so package.json pins the version.
 */
function upstashHttp(): string {
  const main = createRequire(import.meta.url)
    .resolve('@upstash/redis')
    .replace(/\.c?js$/, '.mjs');
  const file = /import \{[^}]*\bHttpClient\b[^}]*\} from "(\.\/[^"]+)"/.exec(readFileSync(main, 'utf8'))?.[1];
  if (file === undefined) {
    throw new Error(
      `${main} does not import HttpClient from a file beside it, as the version does that package.json of lambdesque pins. ` +
        'Something has put another in its place: take @upstash/redis out of "overrides" in your package.json, and install again.',
    );
  }
  return join(dirname(main), file);
}

/**
 * Packages of ioredis whose main file takes one of two others, as the runtime is. A bundler does not know which and takes
 * both: 5 kB that no Lambda function runs.
 */
function ofNode(): Record<string, string> {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('ioredis'));
  const beside = (name: string, file: string) => join(dirname(resolve(name)), file);
  const files = { debug: beside('debug', 'node.js'), 'redis-errors': beside('redis-errors', 'lib/modern.js') };
  // Another version may have no such file: then all of it is taken.
  return Object.fromEntries(Object.entries(files).filter(([, file]) => existsSync(file)));
}

/**
 * Constants of the scheduler and the dashboard, as JSON. They get the names of the job classes with their queues, not the classes: their
 * code may need an environment that they do not have.
 */
export function defines(
  cron: Readonly<Record<string, CronEntry>>,
  registry: Pick<Registry, 'definitions'>,
): Record<string, string> {
  const queues = Object.fromEntries(registry.definitions.map((one) => [one.class, one.queue ?? null]));
  return { LAMBDESQUE_CRON: JSON.stringify(cron), LAMBDESQUE_QUEUES: JSON.stringify(queues) };
}

/** A file of this package, with the extension of this one: .ts here, .js in what is published. */
function pathOf(file: string): string {
  return fileURLToPath(new URL(`${file}${extname(import.meta.url)}`, import.meta.url));
}
