import { type Command, InvalidArgumentError, Option } from 'commander';
import { ConfigError } from '../../shared/index.ts';
import { openShards, redisBroker } from '../../shared/internal.ts';
import { omitUndefined } from '../omit-undefined.ts';
import { type Backend, type BackendFlags, connect } from './backend.ts';
import type { Env } from './redis/install.ts';

export interface ShardFlags extends BackendFlags {
  /** URLs by the names of shards. */
  readonly redis?: Readonly<Record<string, string>>;
}

/** A Redis, and its name where there are several. */
export interface NamedBackend extends Backend {
  readonly name?: string;
}

/** The flag that names one of several databases. */
export function shardOption(command: Command): Command {
  return command.addOption(
    new Option('--redis <name=url>', 'one of several, in place of --uri; repeatable').argParser(shard),
  );
}

function shard(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, url] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined || url === undefined) {
    throw new InvalidArgumentError(
      'Allowed: a name for each of several databases and its URL, such as a=redis://one:6379; for one alone there is --uri.',
    );
  }
  if (name in before) throw new InvalidArgumentError(`The shard ${name} is given twice. Allowed: each name once.`);
  return { ...before, [name]: url };
}

/**
 * Each Redis that the flags name. Nothing is sent.
 * @throws ConfigError
 */
export function connectAll(flags: ShardFlags, env: Env): NamedBackend[] {
  const { redis: urls, uri, upstashUrl, upstashToken, namespace } = flags;
  if (urls === undefined) return [connect(flags, env)];
  const other = uri !== undefined ? '--uri' : upstashUrl !== undefined ? '--upstash-url' : undefined;
  if (other) throw new ConfigError(`--redis and ${other} both say which Redis. Give ${other} as one more --redis.`);
  const token = upstashToken ?? env['UPSTASH_REDIS_REST_TOKEN'];
  const shards = Object.entries(urls).map(([name, url]) => [
    name,
    omitUndefined({ url, token: /^https?:/.test(url) ? token : undefined }),
  ]);
  return openShards('--redis', Object.fromEntries(shards), namespace).map(({ name, redis, namespace: prefix }) => ({
    name,
    redis,
    store: redisBroker(redis, prefix),
    namespace: prefix,
  }));
}
