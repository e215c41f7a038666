import { fileURLToPath } from 'node:url';
import type { JobDefinition } from '../../shared/index.ts';
import type { Registry } from '../../shared/internal.ts';
import type { LocalRedis } from './redis/local-redis.ts';

/** Commands to copy, for a class that there is; for a Redis that is not ours, without its URL, which may hold a password. */
export function howToEnqueue(
  redis: Pick<LocalRedis, 'url' | 'started'>,
  namespace: string,
  { definitions }: Pick<Registry, 'definitions'>,
): string {
  const job = definitions.find((one) => !one.class.endsWith('*') && one.activeJob === undefined);
  const [name, queue] = [job?.class ?? 'Hello', job?.queue ?? 'myqueue'];
  const redisCli = redis.started ? `redis-cli -p ${new URL(redis.url).port}` : 'redis-cli -u "$REDIS_URL"';
  const uri = redis.started ? ` --uri ${redis.url}` : '';
  const args = argsFor(job?.args);
  const flags = `${job?.queue === undefined ? ` --queue ${queue}` : ''}${uri}`;
  return [
    'Enqueue from another terminal, with any Resque client or:',
    `  ${redisCli} RPUSH ${namespace}queue:${queue} '{"class":"${name}","args":${JSON.stringify(args)}}'`,
    `  ${[command(), 'enqueue', name, ...args].join(' ')}${flags}`,
    `  ${[command(), 'enqueue', name, ...args].join(' ')} --in 5s${flags}`,
    'Ctrl-C ends it.',
  ].join('\n');
}

/** Arguments that the schema takes, if it takes text; else those are the user's to write. */
function argsFor(schema: JobDefinition['args']): readonly string[] {
  const fits = (args: readonly string[]) => {
    const result = schema?.['~standard'].validate(args);
    return result === undefined || (!(result instanceof Promise) && result.issues === undefined);
  };
  return [[], ['Zoë'], ['hi', 'there'], ['a', 'b', 'c']].find(fits) ?? ['…'];
}

/** In a clone, npx would look for a package of that name. */
function command(): string {
  return fileURLToPath(import.meta.url).endsWith('.ts') ? 'npm run lambdesque --' : 'npx lambdesque';
}
