import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import type { Broker } from '../../shared/broker/broker.ts';
import type { Brokers } from './brokers.ts';

/** A TCP proxy before a Redis that can lose what passes through it. */
export class LossyProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #loses: 'request' | 'answer' | undefined;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#join(client, connect(port, '127.0.0.1')));
  }

  static async to(port: number): Promise<LossyProxy> {
    const proxy = new LossyProxy(port);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks the connection in place of the next request, which Redis never sees, or of the next answer, once Redis gave it. */
  lose(what: 'request' | 'answer'): void {
    this.#loses = what;
  }

  async close(): Promise<void> {
    const closed = once(this.#server.close(), 'close');
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(client: Socket, redis: Socket): void {
    const pass = (from: Socket, to: Socket, what: 'request' | 'answer') => {
      this.#sockets.add(from);
      from.on('data', (data) => {
        if (this.#loses !== what) return void to.write(data);
        this.#loses = undefined;
        from.destroy();
        to.destroy();
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    };
    pass(client, redis, 'request');
    pass(redis, client, 'answer');
  }
}

/**
 * A store of the suite's backend whose next request can be lost: before Redis saw it, or after it was carried out.
 * To be called once for each suite, outside its tests.
 */
export function lossyStore(stores: Brokers): { readonly store: Broker; lose(what: 'request' | 'answer'): void } {
  let proxy: LossyProxy;
  let store: Broker;
  beforeAll(async () => {
    proxy = await LossyProxy.to(stores.redis.port);
    store = stores.open({ url: proxy.url });
  });
  afterAll(() => proxy.close());
  return {
    get store() {
      return store;
    },
    lose(what) {
      if (stores.backend === 'TCP') proxy.lose(what);
      else stores.upstash.fault(what === 'request' ? 'drop-before' : 'drop-after');
    },
  };
}
