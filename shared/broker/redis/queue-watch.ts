import { RedisUnavailableError } from '../../errors.ts';
import { keysOf } from '../keys.ts';
import type { OpenQueueWatch, QueueWatch } from '../queue-watch.ts';
import { list, type RedisClient, type RedisConnection, type Reply, type ServerPlace, text } from './client.ts';

/** Where Redis tells a connection that speaks RESP2 of changes. */
const CHANNEL = '__redis__:invalidate';
/** Keys in one command: no other client waits for long. */
const AT_ONCE = 5_000;

/**
 * By Redis's client-side tracking: what one connection has looked at, its server remembers, and tells the other one of the
 * first change. No key is written, and no job leaves its queue. Two connections to one server, because the library
 * hands out such messages only where nothing but a subscription is.
 * @returns undefined where Redis has no connections of this kind
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
export function redisQueueWatch(client: RedisClient, namespace: string): OpenQueueWatch | undefined {
  const { connect } = client;
  if (!connect) return undefined;
  const keys = keysOf(namespace);
  const prefix = keys.queue('');

  return async (events) => {
    const reader = await nearKeys(connect, keys.queues);
    const listener = await connect(reader.server).catch((error: unknown) => {
      reader.close();
      throw error;
    });
    const close = () => {
      reader.close();
      listener.close();
    };
    let over = false;
    const onClosed = () => {
      close();
      if (!over) events.lost();
      over = true;
    };
    const tell = (message: Reply) => {
      if (over) return;
      // The whole database was emptied, or replaced: whatever was watched is not any more.
      if (message === null) onClosed();
      else tellOf(list(message).map(text));
    };
    const tellOf = (changed: readonly string[]) => {
      const queues = changed.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
      events.changed(queues, changed.includes(keys.queues), changed.includes(keys.control));
    };
    try {
      const id = await listener.command(['CLIENT', 'ID']);
      await listener.subscribe(CHANNEL, tell);
      await reader.command(['CLIENT', 'TRACKING', 'ON', 'REDIRECT', Number(id)]);
    } catch (error) {
      close();
      throw error;
    }
    void reader.closed.then(onClosed);
    void listener.closed.then(onClosed);
    return {
      async watch(queues, names, orders) {
        if (over)
          throw new RedisUnavailableError(
            `The connection to Redis at ${client.address} that tells of jobs has broken.`,
          );
        const others = [...(names ? [keys.queues] : []), ...(orders ? [keys.control] : [])];
        const looks: Promise<Reply>[] = [];
        for (let from = 0; from < queues.length; from += AT_ONCE) {
          looks.push(reader.command(['EXISTS', ...queues.slice(from, from + AT_ONCE).map(keys.queue)]));
        }
        try {
          const [counts] = await Promise.all([
            Promise.all(looks),
            others.length > 0 && reader.command(['EXISTS', ...others]),
          ]);
          return counts.some((count) => Number(count) > 0);
        } catch (error) {
          onClosed();
          throw error;
        }
      },
      close() {
        over = true;
        close();
      },
    } satisfies QueueWatch;
  };
}

/** A connection to the server that has the keys: in a cluster, another one may. */
async function nearKeys(connect: NonNullable<RedisClient['connect']>, key: string): Promise<RedisConnection> {
  let at: ServerPlace | undefined;
  for (let moves = 0; ; moves++) {
    const found = await connect(at);
    try {
      await found.command(['EXISTS', key]);
      return found;
    } catch (error) {
      found.close();
      const [, host, port] = /\bMOVED \d+ ([^\s"]*):(\d+)/.exec(String(error)) ?? [];
      if (port === undefined || moves === 3) throw error;
      at = {
        host: host || (found.server?.host ?? 'localhost'),
        port: Number(port),
        servername: found.server?.servername,
      };
    }
  }
}
