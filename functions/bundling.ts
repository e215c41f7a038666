import { fileURLToPath } from 'node:url';
import type { CronEntry, Registry } from 'lambdesque';
import type { RedisSettings } from './settings.ts';

/**
 * How the functions are bundled: esbuild's options, for `npm run build` and for the CDK constructs alike. Each bundle
 * holds one Redis backend, and no AWS SDK (aws.ts does without).
 */
export const bundling = {
  bundle: true,
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
  consumer: pathOf('./consumer.ts'),
  scheduler: pathOf('./scheduler.ts'),
} as const;

const backends: Readonly<Record<RedisSettings['kind'], string>> = {
  upstash: pathOf('./backend-upstash.ts'),
  tcp: pathOf('./backend-tcp.ts'),
};

/** Module names that stand for other files. @param jobs absolute path of the jobs module */
export function aliases(backend: RedisSettings['kind'], jobs: string): Record<string, string> {
  return { 'lambdesque-backend': backends[backend], 'lambdesque-jobs': jobs };
}

/**
 * Constants of the scheduler, as JSON. It gets the names of the job classes with their queues, not the classes: their
 * code may need an environment that it does not have.
 */
export function defines(
  cron: Readonly<Record<string, CronEntry>>,
  registry: Pick<Registry, 'definitions'>,
): Record<string, string> {
  const queues = Object.fromEntries(registry.definitions.map((one) => [one.class, one.queue ?? null]));
  return { LAMBDESQUE_CRON: JSON.stringify(cron), LAMBDESQUE_QUEUES: JSON.stringify(queues) };
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
