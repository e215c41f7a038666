import type { Redis } from 'ioredis';
import type { ContenderName } from './contenders.ts';

/** What a Redis was asked to do. */
export interface RedisWork {
  /** Requests that were waited for: a script, a transaction, a command. */
  readonly roundTrips: number;
  /** Commands sent, those of transactions one by one. */
  readonly topLevel: number;
  /** Commands that scripts ran. */
  readonly inScripts: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Never called from a script. */
const TOP_LEVEL = /^(eval|evalsha|multi|exec|ping|hello|auth|select|bzpopmin|blpop|(client|script)\|.*)$/;
/** What node-resque sends outside of its script, which pops a job and stores it: `lpop` and `set`. */
const BY_NODE_RESQUE = /^(incr|del|get|sadd|srem|smembers|lrange|rename|exists)$/;
/** Part of another round trip: ioredis sends a transaction at once. */
const NO_TRIP = /^(multi|incr)$/;
/** Ours here, and that of a connection's start. */
const IGNORED = /^(info|config\|.*|command.*)$/;

/** Counts over `action`. Nobody else may use this Redis meanwhile. */
export async function redisWork(redis: Redis, name: ContenderName, action: () => Promise<unknown>): Promise<RedisWork> {
  await redis.config('RESETSTAT');
  await action();
  const text = await redis.info('everything');
  const calls = [...text.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)].map(
    ([, command = '', count]) => [command, Number(count)] as const,
  );
  const sum = (passes: (command: string) => boolean) =>
    calls.reduce((total, [command, count]) => total + (passes(command) ? count : 0), 0);
  const isTop = (command: string) =>
    TOP_LEVEL.test(command) || (name === 'node-resque' && BY_NODE_RESQUE.test(command));
  return {
    roundTrips: sum((command) => isTop(command) && !NO_TRIP.test(command)),
    topLevel: sum(isTop),
    inScripts: sum((command) => !isTop(command) && !IGNORED.test(command)),
    bytesIn: field(text, 'total_net_input_bytes'),
    bytesOut: field(text, 'total_net_output_bytes'),
  };
}

/** Of `INFO`. */
export function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? Number.NaN);
}
