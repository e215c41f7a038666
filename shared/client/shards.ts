import { createHash } from 'node:crypto';
import { namespaceOf } from '../broker/namespace.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import { openRedis, type RedisOptions, redisOptionNames } from '../broker/redis/open.ts';
import { ConfigError } from '../errors.ts';
import { checkOptions, kindOf, type OptionsOf } from '../options.ts';

/** Where one shard is: a database of its own, or a namespace of its own in a cluster. */
export interface ShardOptions extends RedisOptions {
  /** Prefix of its keys. In a Redis Cluster its hash tag, as in `{resque-a}:`, says which node has the shard. @default that of all */
  readonly namespace?: string | undefined;
}

export const shardOptionNames = { ...redisOptionNames, namespace: true } satisfies OptionsOf<ShardOptions>;

/** A shard whose options are checked. Nothing was sent to it. */
interface OpenShard {
  readonly name: string;
  readonly redis: RedisClient;
  /** Prefix of its keys, with its colon. */
  readonly namespace: string;
}

/**
 * @param where what was called, for messages  @param known options of a shard
 * @throws ConfigError for options that cannot be used, and where two shards are the same
 */
export function openShards(
  where: string,
  shards: Readonly<Record<string, ShardOptions>>,
  namespace: string | undefined,
  known: Readonly<Record<string, boolean>> = shardOptionNames,
): OpenShard[] {
  if (typeof shards !== 'object' || shards === null || Array.isArray(shards) || Object.keys(shards).length === 0) {
    const such = "{ a: { url: 'redis://one' }, b: { url: 'redis://two' } }";
    throw new ConfigError(
      `${where}: shards must be an object with one shard or more by name, such as ${such}; got ${kindOf(shards)}.`,
    );
  }
  const places = new Map<string, string>();
  return Object.entries(shards).map(([name, given]) => {
    checkOptions(`${where}: shards.${name}`, given, known, true);
    const { url, token, host, port, username, password, database, tls } = given;
    const redis = openRedis({ url, token, host, port, username, password, database, tls });
    const prefix = namespaceOf(given.namespace ?? namespace, redis.cluster);
    const number = database ?? /\/(\d+)\/?(?:\?|$)/.exec(url ?? '')?.[1] ?? 0;
    const place = `${redis.address} ${number} ${prefix}`;
    const same = places.get(place);
    if (same !== undefined) {
      throw new ConfigError(
        `${where}: the shards ${same} and ${name} are the same, ${redis.address} with the namespace ${prefix}. Give each a ` +
          'database or a namespace of its own.',
      );
    }
    places.set(place, name);
    return { name, redis, namespace: prefix };
  });
}

/**
 * Which shard a key belongs to, by rendezvous hashing: each shard draws a number for the key, and the highest has it. One more
 * shard takes its part from all others alike, and no key moves between those. Names count, not URLs nor their order.
 * @param names at least one
 */
export function shardOf(names: readonly string[], key: string): string {
  let [chosen = ''] = names;
  let highest = -1;
  for (const name of names) {
    const drawn = createHash('sha256').update(`${name}\n${key}`).digest().readUIntBE(0, 6);
    if (drawn <= highest) continue;
    highest = drawn;
    chosen = name;
  }
  return chosen;
}
