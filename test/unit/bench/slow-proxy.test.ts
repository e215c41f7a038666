import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type SlowProxyOptions, slowProxy, startSlowProxy } from '../../helpers/slow-proxy.ts';

type Options = Omit<SlowProxyOptions, 'target'>;

/** A server that answers with what it gets, and a connection to it through a proxy. */
async function through(options: Options, start = slowProxy) {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const proxy = await start({ ...options, target: (server.address() as AddressInfo).port });
  const socket = connect(proxy.port, '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  onTestFinished(async () => {
    socket.destroy();
    await proxy.stop();
    await proxy.stop();
    server.close();
  });
  return { socket, proxy };
}

async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= bytes) break;
  }
  return Buffer.concat(chunks);
}

test.each([
  ['in this process', slowProxy],
  ['in one of its own', startSlowProxy],
] as const)('an answer takes a round trip, %s', async (_name, start) => {
  const { socket } = await through({ rtt: 80 }, start);
  const sent = performance.now();
  socket.write('ping');
  expect((await read(socket, 4)).toString()).toBe('ping');
  // Less than it by the parts of a millisecond that clocks differ by.
  expect(performance.now() - sent).toBeGreaterThanOrEqual(79);
});

test('bytes keep their order, however much the way takes', async () => {
  const { socket } = await through({ rtt: 4, jitter: 20 });
  const parts = Array.from({ length: 500 }, (_, i) => Buffer.from(`${i},`));
  const answer = read(socket, Buffer.concat(parts).length);
  for (const [i, part] of parts.entries()) {
    socket.write(part);
    if (i % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await answer).toString()).toBe(Buffer.concat(parts).toString());
});

test('a cut ends the connection in the middle of what was sent', async () => {
  const { socket } = await through({ rtt: 0, cut: 10_000 });
  socket.write('0123456789');
  await once(socket, 'close');
});

test('what is held back comes later, and what follows it behind it', async () => {
  const { socket } = await through({ rtt: 0, hang: 10_000, hangMs: 50 });
  const sent = performance.now();
  socket.write('ping');
  expect((await read(socket, 4)).toString()).toBe('ping');
  expect(performance.now() - sent).toBeGreaterThanOrEqual(99);
});

test('no connection is left when it stops', async () => {
  const { socket, proxy } = await through({ rtt: 1_000 });
  const closed = once(socket, 'close');
  await proxy.stop();
  await closed;
  const refused = connect(proxy.port, '127.0.0.1');
  await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
