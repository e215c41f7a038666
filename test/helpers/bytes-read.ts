import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestRedis } from './redis-server.ts';

/**
 * How many payload bytes scripts read from a list, as MONITOR tells which commands they sent: what a call costs Redis,
 * whatever machine it runs on.
 * @param sizes of the payloads in the list, from the head, in bytes
 */
export async function bytesReadBy(
  redis: Pick<TestRedis, 'port' | 'client'>,
  key: string,
  sizes: readonly number[],
  call: () => Promise<unknown>,
): Promise<number> {
  const socket = connect(redis.port, '127.0.0.1');
  socket.write('MONITOR\r\n');
  await once(socket, 'data');
  const over = Promise.withResolvers<void>();
  let list = [...sizes];
  let bytes = 0;
  onBeginnings(socket, (line) => {
    // `+<time> [<database> <client>] "<command>" "<key>" "<argument>"…`; payloads may follow, of megabytes.
    const [command = '', name, first, last] = [...line.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
    if (name !== key) return;
    const [from, to] = [Number(first), Number(last)];
    const end = to < 0 ? list.length + to + 1 : to + 1;
    switch (command.toLowerCase()) {
      case 'echo':
        over.resolve();
        break;
      case 'lrange':
        bytes += sum(list.slice(from, end));
        break;
      case 'lindex':
        bytes += list.at(from) ?? 0;
        break;
      case 'ltrim':
        list = list.slice(from, end);
        break;
    }
  });
  try {
    await call();
    await redis.client.echo(key);
    await over.promise;
    return bytes;
  } finally {
    socket.destroy();
  }
}

/** Tells the first so many bytes of each line. */
function onBeginnings(socket: Socket, onLine: (beginning: string) => void, most = 200): void {
  let beginning = '';
  socket.on('data', (chunk) => {
    for (let at = 0; ; ) {
      const end = chunk.indexOf('\n', at);
      const upto = end === -1 ? chunk.length : end;
      beginning += chunk.toString('latin1', at, Math.min(upto, at + Math.max(0, most - beginning.length)));
      if (end === -1) return;
      onLine(beginning);
      beginning = '';
      at = end + 1;
    }
  });
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
