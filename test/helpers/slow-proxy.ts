/**
 * A TCP proxy that makes a near server a far one, or an unreliable one.
 *
 * As a command: `node test/helpers/slow-proxy.ts <listen port, 0 for a free one> <target port> [--rtt 60] [--jitter 0]
 * [--cut 0] [--hang 0]` prints {"port"} and runs until a signal.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { parseArgs } from 'node:util';

export interface SlowProxyOptions {
  /** Port on 127.0.0.1 that connections are passed on to. */
  readonly target: number;
  /** Port to listen on, on 127.0.0.1. @default a free one */
  readonly port?: number;
  /** Round trip that it adds, ms, half of it each way. @default 60 */
  readonly rtt?: number;
  /** Added at random to each chunk, ms; chunks keep their order. @default 0 */
  readonly jitter?: number;
  /** Of 10,000 chunks, how many end their connection in the middle. @default 0 */
  readonly cut?: number;
  /** Of 10,000 chunks, how many arrive only after 10 s, with all that comes behind them. @default 0 */
  readonly hang?: number;
  /** From 0 to 1; a seeded one repeats its choices. @default Math.random */
  readonly random?: () => number;
}

export interface SlowProxy {
  readonly port: number;
  /** Breaks all connections. */
  close(): void;
}

const HANG_MS = 10_000;

export async function slowProxy(options: SlowProxyOptions): Promise<SlowProxy> {
  const { target, port = 0, rtt = 60, jitter = 0, cut = 0, hang = 0, random = Math.random } = options;

  const pass = (from: Socket, to: Socket, end: () => void) => {
    // No chunk leaves before the one in front of it.
    let last = 0;
    const later = (ms: number, act: () => void) => {
      last = Math.max(last, performance.now() + ms);
      setTimeout(act, last - performance.now());
    };
    from.on('data', (chunk: Buffer) => {
      const chance = random() * 10_000;
      const wait = rtt / 2 + random() * jitter;
      if (chance < cut) {
        from.pause();
        later(wait, () => (to.writable ? to.write(chunk.subarray(0, chunk.length >> 1), end) : end()));
      } else {
        later(wait + (chance < cut + hang ? HANG_MS : 0), () => to.writable && to.write(chunk));
      }
    });
    from.on('error', end).on('close', () => later(rtt / 2, end));
  };

  const open = new Set<() => void>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    const end = () => {
      near.destroy();
      far.destroy();
      open.delete(end);
    };
    open.add(end);
    pass(near, far, end);
    pass(far, near, end);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const end of open) end();
    },
  };
}

if (import.meta.main) {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rtt: text, jitter: text, cut: text, hang: text },
  });
  const [port, target] = positionals.map(Number);
  if (port === undefined || target === undefined) {
    throw new Error('Two ports are needed: node test/helpers/slow-proxy.ts <listen port> <target port> [--rtt 60]');
  }
  const flags = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
  const proxy = await slowProxy({ port, target, ...flags });
  console.log(JSON.stringify({ port: proxy.port }));
}
