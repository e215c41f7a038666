import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultyProxy, type NetworkFault } from '../helpers/chaos-proxy.ts';
import { eventually } from '../helpers/eventually.ts';

/** Answers each text with the same in upper case. */
let server: Server;
let received: string;
let accepted: Socket[];
let proxy: FaultyProxy;
beforeEach(async () => {
  received = '';
  accepted = [];
  server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => {
      received += data;
      socket.write(String(data).toUpperCase());
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  proxy = await FaultyProxy.to({ target: (server.address() as AddressInfo).port, hangs: 60_000, delays: 1 });
});
afterEach(() => {
  proxy.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

async function client() {
  const socket = connect(proxy.port, '127.0.0.1');
  let answers = '';
  let closed = false;
  socket.on('data', (data) => {
    answers += data;
  });
  socket
    .on('error', () => {})
    .on('close', () => {
      closed = true;
    });
  await once(socket, 'connect');
  return {
    socket,
    state: () => ({ received, answers, closed }),
  };
}

test('passes on what comes, where no fault was injected', async () => {
  const { socket, state } = await client();
  socket.write('hello');
  await eventually(() => expect(state()).toEqual({ received: 'hello', answers: 'HELLO', closed: false }));
  expect(proxy.met.size).toBe(0);
});

describe('one chunk meets', () => {
  test.each<[NetworkFault, ReturnType<Awaited<ReturnType<typeof client>>['state']>]>([
    ['cut-request', { received: 'he', answers: '', closed: true }],
    ['drop-request', { received: '', answers: '', closed: true }],
    ['cut-reply', { received: 'hell', answers: 'HE', closed: true }],
    ['drop-reply', { received: 'hell', answers: '', closed: true }],
    ['delay-request', { received: 'hell', answers: 'HELL', closed: false }],
    ['delay-reply', { received: 'hell', answers: 'HELL', closed: false }],
  ])('%s', async (fault, expected) => {
    const { socket, state } = await client();
    proxy.inject(fault);
    socket.write('hell');
    await eventually(() => {
      const now = state();
      // A cut in front of the server may still be answered to a connection that is gone.
      expect({ ...now, answers: fault === 'cut-request' ? '' : now.answers }).toEqual(expected);
    });
    expect([...proxy.met]).toEqual([[fault, 1]]);

    const next = await client();
    received = '';
    next.socket.write('again');
    await eventually(() => expect(next.state()).toEqual({ received: 'again', answers: 'AGAIN', closed: false }));
  });

  test.each(['hang-request', 'hang-reply'] as const)(
    '%s: nothing more passes, and neither end knows',
    async (fault) => {
      const { socket, state } = await client();
      proxy.inject(fault);
      socket.write('hell');
      await eventually(() => expect([...proxy.met]).toEqual([[fault, 1]]));
      socket.write('more');
      // Another connection is as ever: by the time of its answer, the first would have had its own.
      const other = await client();
      other.socket.write('x');
      await eventually(() => expect(other.state().answers).toBe('X'));
      expect(state()).toMatchObject({ answers: '', closed: false });
      expect(received).not.toContain('more');
      proxy.calm();
      await eventually(() => expect(state().closed).toBe(true));
    },
  );
});

test('calm forgets faults that nothing has met', async () => {
  const { socket, state } = await client();
  proxy.inject('drop-request');
  proxy.calm();
  socket.write('hello');
  await eventually(() => expect(state()).toEqual({ received: 'hello', answers: 'HELLO', closed: false }));
});
