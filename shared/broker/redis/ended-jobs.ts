import { namespaceOf } from '../namespace.ts';
import { ENDED_CHANNEL } from '../ops/tell-end.ts';
import { type RedisClient, type RedisConnection, text } from './client.ts';

/** Hears of the ends of tracked jobs. */
export interface EndedJobs {
  /**
   * Calls when this job has ended, or may have without that being heard.
   * @returns ends it; undefined where Redis tells nobody (over REST), or cannot be asked to now
   */
  listen(id: string, call: () => void): Promise<(() => void) | undefined>;
  close(): void;
}

/** One connection for all who wait in this process, while somebody does. */
export function redisEndedJobs(client: RedisClient, namespace: string): EndedJobs {
  const channel = `${namespaceOf(namespace)}${ENDED_CHANNEL}`;
  const calls = new Map<string, Set<() => void>>();
  let closed = false;
  let opening: Promise<RedisConnection> | undefined;

  function tell(id: string): void {
    for (const call of calls.get(id) ?? []) call();
  }

  async function open(): Promise<RedisConnection> {
    const connection = await (client.connect as NonNullable<RedisClient['connect']>)();
    try {
      await connection.subscribe(channel, (message) => tell(text(message)));
    } catch (error) {
      connection.close();
      throw error;
    }
    void connection.closed.then(() => {
      opening = undefined;
      for (const id of [...calls.keys()]) tell(id);
    });
    return connection;
  }

  function leave(id: string, call: () => void): void {
    const waiting = calls.get(id);
    waiting?.delete(call);
    if (waiting?.size === 0) calls.delete(id);
    if (calls.size > 0) return;
    opening
      ?.then((connection) => {
        if (calls.size === 0) connection.close();
      })
      .catch(() => {});
  }

  return {
    close() {
      closed = true;
      opening?.then((connection) => connection.close()).catch(() => {});
    },

    async listen(id, call) {
      if (!client.connect || closed) return undefined;
      const waiting = calls.get(id) ?? new Set();
      calls.set(id, waiting.add(call));
      try {
        opening ??= open();
        await opening;
        return () => leave(id, call);
      } catch {
        // Rights, or the number of connections; who waits looks by itself.
        opening = undefined;
        leave(id, call);
        return undefined;
      }
    },
  };
}
