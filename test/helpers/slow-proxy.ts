/**
 * A TCP proxy that makes a near server a far one: a round trip, and faults of the way at random.
 *
 * In a process of its own: `await startSlowProxy({ target: port, rtt: 60 })`, so that it takes no time from the event
 * loop that is tested, or by hand: `node test/helpers/slow-proxy.ts '{"target":6379,"rtt":60}'`, which prints one line,
 * {"port"}, and runs until SIGTERM. In this process: `slowProxy(…)`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface SlowProxyOptions {
  /** Port of the server, on 127.0.0.1. */
  readonly target: number;
  /** Round trip that it adds, half of it each way, ms. */
  readonly rtt: number;
  /** Up to so much more for each chunk, ms; their order stays. @default 0 */
  readonly jitter?: number;
  /** Of 10,000 chunks, so many end their connection in their middle. @default 0 */
  readonly cut?: number;
  /** Of 10,000 chunks, so many are held back, with all that follows them, for `hangMs`. @default 0 */
  readonly hang?: number;
  /** @default 10,000 */
  readonly hangMs?: number;
  /** From 0 to 1; a seeded one repeats its choices. In this process only. @default Math.random */
  readonly random?: () => number;
  /** To listen on, on 127.0.0.1. @default a free one */
  readonly port?: number;
}

export interface SlowProxy {
  readonly port: number;
  /** Breaks all connections. May be called twice. */
  stop(): Promise<void>;
}

/** In this process. */
export async function slowProxy(options: SlowProxyOptions): Promise<SlowProxy> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: options.target, host: '127.0.0.1', noDelay: true });
    const end = () => {
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on('error', end).on('close', () => open.delete(socket));
    }
    oneWay(near, far, options, end);
    oneWay(far, near, options, end);
  });
  await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of open) socket.destroy();
      if (server.listening) await once(server.close(), 'close');
    },
  };
}

/**
 * Passes on what comes, later. One timer at a time, for the first of those on the way: of two timers that are due in the
 * same millisecond the later one may fire first, and bytes must keep their order.
 */
function oneWay(from: Socket, to: Socket, options: SlowProxyOptions, end: () => void): void {
  const { rtt, jitter = 0, cut = 0, hang = 0, hangMs = 10_000, random = Math.random } = options;
  const onTheWay: { readonly at: number; readonly arrive: () => void }[] = [];
  let last = 0;
  const send = (arrive: () => void, more = 0) => {
    // None overtakes the one in front of it.
    last = Math.max(last, performance.now() + rtt / 2 + more);
    onTheWay.push({ at: last, arrive });
    if (onTheWay.length === 1) next();
  };
  const next = () => {
    const first = onTheWay[0];
    if (!first) return;
    const wait = first.at - performance.now();
    if (wait > 0) {
      setTimeout(next, Math.ceil(wait));
      return;
    }
    onTheWay.shift();
    first.arrive();
    next();
  };
  from.on('data', (chunk: Buffer) => {
    const chance = random() * 10_000;
    if (chance < cut) {
      to.write(chunk.subarray(0, chunk.length >> 1));
      end();
      return;
    }
    send(() => to.writable && to.write(chunk), random() * jitter + (chance < cut + hang ? hangMs : 0));
  });
  from.on('close', () => send(end));
}

/** In a process of its own, which ends with this one. */
export async function startSlowProxy(options: SlowProxyOptions): Promise<SlowProxy> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const port = await Promise.race([
    once(child, 'message').then(([message]) => (message as { port: number }).port),
    exited.then(([code]) => Promise.reject(new Error(`The slow proxy ended at once, with ${code}.`))),
  ]);
  return {
    port,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { port } = await slowProxy(JSON.parse(process.argv[2] ?? '') as SlowProxyOptions);
  if (process.send) process.send({ port });
  else console.log(JSON.stringify({ port }));
  process.on('disconnect', () => process.exit());
}
