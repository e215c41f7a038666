import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What the next chunk in one direction meets. `cut`: half of it arrives, then the connection breaks; `drop`: none of it
 * does, then the connection breaks; `hang`: nothing arrives any more in either direction, while both ends believe that
 * the connection is open; `delay`: it arrives late.
 */
export type NetworkFault = `${'cut' | 'drop' | 'hang' | 'delay'}-${'request' | 'reply'}`;

export interface FaultyProxyOptions {
  /** Port on 127.0.0.1 that connections are passed on to. */
  readonly target: number;
  /** How long a hanging connection stays open, ms. */
  readonly hangs: number;
  /** How late a delayed chunk arrives, ms. */
  readonly delays: number;
}

/** A TCP proxy with one fault at a time, when it is told to. Otherwise it passes everything on at once. */
export class FaultyProxy {
  /** How many chunks met a fault, by its name. */
  readonly met = new Map<NetworkFault, number>();
  readonly #server: Server;
  readonly #options: FaultyProxyOptions;
  readonly #open = new Set<() => void>();
  readonly #hanging = new Set<() => void>();
  readonly #next: NetworkFault[] = [];

  private constructor(options: FaultyProxyOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (client) => this.#join(client));
  }

  static async to(options: FaultyProxyOptions): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(options);
    const server = proxy.#server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The next chunk that passes in the fault's direction meets it. */
  inject(fault: NetworkFault): void {
    this.#next.push(fault);
  }

  /** Forgets the faults that nothing has met yet, and breaks what hangs. */
  calm(): void {
    this.#next.length = 0;
    for (const end of this.#hanging) end();
  }

  close(): void {
    this.#server.close();
    for (const end of this.#open) end();
  }

  #join(client: Socket): void {
    const server = connect({ port: this.#options.target, host: '127.0.0.1', noDelay: true });
    const end = () => {
      this.#open.delete(end);
      this.#hanging.delete(end);
      client.destroy();
      server.destroy();
    };
    this.#open.add(end);
    let hangs = false;
    const hang = () => {
      hangs = true;
      this.#hanging.add(end);
      setTimeout(end, this.#options.hangs).unref();
    };
    const pass = (from: Socket, to: Socket, direction: 'request' | 'reply') => {
      from.on('data', (chunk: Buffer) => {
        if (hangs) return;
        switch (this.#take(direction)) {
          case 'cut':
            from.pause();
            to.write(chunk.subarray(0, chunk.length >> 1), end);
            return;
          case 'drop':
            return end();
          case 'hang':
            return hang();
          case 'delay':
            from.pause();
            setTimeout(() => {
              to.write(chunk);
              from.resume();
            }, this.#options.delays);
            return;
          default:
            to.write(chunk);
        }
      });
      from.on('error', end).on('close', () => {
        // The other end of a connection that hangs does not hear of this one's.
        if (!hangs) end();
      });
    };
    pass(client, server, 'request');
    pass(server, client, 'reply');
  }

  #take(direction: 'request' | 'reply'): string | undefined {
    const at = this.#next.findIndex((fault) => fault.endsWith(direction));
    if (at < 0) return undefined;
    const [fault] = this.#next.splice(at, 1) as [NetworkFault];
    this.met.set(fault, (this.met.get(fault) ?? 0) + 1);
    return fault.split('-')[0];
  }
}
