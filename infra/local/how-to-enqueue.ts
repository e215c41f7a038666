import type { LocalRedis } from './redis/local-redis.ts';

/** Commands to copy; for a Redis that is not ours, without its URL, which may hold a password. */
export function howToEnqueue(redis: Pick<LocalRedis, 'url' | 'started'>, namespace: string): string {
  const cli = redis.started ? `redis-cli -p ${new URL(redis.url).port}` : 'redis-cli -u "$REDIS_URL"';
  const uri = redis.started ? ` --uri ${redis.url}` : '';
  return [
    'Enqueue from another terminal, with any Resque client or:',
    `  ${cli} RPUSH ${namespace}queue:myqueue '{"class":"Hello","args":["hi","there11"]}'`,
    `  npx lambdesque enqueue Hello hi there --queue myqueue${uri}`,
    `  npx lambdesque enqueue Hello hi later --queue myqueue --in 5s${uri}`,
    'Ctrl-C ends it.',
  ].join('\n');
}
