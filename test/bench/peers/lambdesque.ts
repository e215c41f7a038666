import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '../../../functions/runtime/logger.ts';
import type { OpenQueueWatch } from '../../../shared/broker/queue-watch.ts';
import { redisQueueWatch } from '../../../shared/broker/redis/queue-watch.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import { defineJob, type Logger } from '../../../shared/index.ts';
import {
  type Broker,
  createEnqueuer,
  createRegistry,
  defaultNamespace,
  type Enqueuer,
  openRedis,
  parseQueues,
  type RedisClient,
  type Registry,
  redisBroker,
  silentLogger,
  systemClock,
  Worker,
  workerId,
  workerOptions,
} from '../../../shared/internal.ts';
import { PushWatch } from '../../../shared/worker/push-watch.ts';
import {
  type BulkOptions,
  CLASS,
  clock,
  type OnHeld,
  type Peer,
  type PeerSetup,
  QUEUE,
  type Workers,
  type WorkersDeps,
} from './peer.ts';

type Setup = Extract<PeerSetup, { kind: 'tcp' | 'rest' }>;

/** This project, as its Lambda function wires it: its logger, its defaults, leases and statistics. */
export function lambdesque(setup: Setup): Peer {
  const store = storeOf(setup);
  const client = createEnqueuer({ store });
  return {
    add: (id, sentAt) => client.enqueue(CLASS, [id, sentAt], { queue: QUEUE }),
    addBulk: (ids, options) => client.enqueueAll(items(ids, options)),
    workers: async (setting) => {
      const workers = new LambdesqueWorkers(setting, telling(storeOf(setup), setting.onHeld), watchOf(setup));
      await workers.connect();
      return workers;
    },
    close: () => store.close(),
  };
}

function storeOf(setup: Setup): Broker {
  const client: RedisClient = setup.kind === 'tcp' ? tcpClient({ url: setup.redis }) : upstashClient(setup);
  return redisBroker(client, defaultNamespace);
}

/** As a worker that waits has it, over TCP. */
function watchOf(setup: Setup): OpenQueueWatch | undefined {
  return setup.kind === 'tcp' ? redisQueueWatch(openRedis({ url: setup.redis }), defaultNamespace) : undefined;
}

/** Tells of what each sync reserves and gives back. Redis did it in the middle of the round trip. */
function telling(store: Broker, onHeld: OnHeld | undefined): Broker {
  if (!onHeld) return store;
  return {
    ...store,
    async sync(request) {
      const sent = clock();
      const reply = await store.sync(request);
      const at = (sent + clock()) / 2;
      const released = request.settle.filter(({ outcome }) => outcome.kind === 'release').length;
      if (released > 0) onHeld(-released, at);
      if (reply.kind === 'held' && reply.jobs.length > 0) onHeld(reply.jobs.length, at);
      return reply;
    },
  };
}

function items(ids: readonly number[], { payload, queues }: BulkOptions) {
  const text = payload > 0 ? ['x'.repeat(payload)] : [];
  return ids.map((id) => ({ job: CLASS, args: [id, 0, ...text], queue: queues[id % queues.length] ?? QUEUE }));
}

/** Where a run goes wrong, why. */
const onlyErrors: Logger = {
  ...silentLogger,
  error: (message, fields) => console.error(message, fields),
  child: () => onlyErrors,
};

class LambdesqueWorkers implements Workers {
  readonly #setting: WorkersDeps;
  readonly #store: Broker;
  readonly #watch: OpenQueueWatch | undefined;
  readonly #registry: Registry;
  readonly #client: Enqueuer;
  #settled = 0;
  #current: Worker | undefined;
  #end: () => Promise<unknown> = async () => {};

  constructor(setting: WorkersDeps, store: Broker, watch: OpenQueueWatch | undefined) {
    this.#setting = setting;
    this.#store = store;
    this.#watch = watch;
    const job = defineJob({ class: CLASS, perform: ([id, sentAt]) => setting.perform(Number(id), Number(sentAt)) });
    this.#registry = createRegistry([job]);
    this.#client = createEnqueuer({ store, registry: this.#registry });
  }

  connect(): Promise<unknown> {
    return this.#store.ping();
  }

  get settled(): number {
    return this.#settled + (this.#current?.summary.succeeded ?? 0);
  }

  async drain(count: number): Promise<void> {
    await this.#run(true);
    if (this.#settled !== count) throw new Error(`It ended after ${this.#settled} of ${count} jobs.`);
  }

  async serve(): Promise<string | undefined> {
    if (this.#setting.doorbell) return this.#serveRings();
    const running = this.#run(false);
    this.#end = () => {
      this.#current?.stop();
      return running;
    };
    return undefined;
  }

  async close(): Promise<void> {
    await this.#end();
    await this.#store.close();
  }

  async #run(exitOnComplete: boolean): Promise<void> {
    const { queues, logRuns, concurrency, poll } = this.#setting;
    const watch = this.#watch;
    const consumer = new Worker({
      store: this.#store,
      registry: this.#registry,
      client: this.#client,
      queues: parseQueues(queues.join(',')),
      watchPushes: watch && ((parts) => new PushWatch(watch, parts)),
      options: workerOptions({
        concurrency,
        logRuns,
        exitOnComplete,
        // One that ends when it finds no more has no interval.
        ...(poll === undefined || exitOnComplete ? {} : { interval: `${poll}ms` as const }),
      }),
      worker: workerId('bench', process.pid, queues.length > 3 ? ['many'] : queues),
      clock: systemClock,
      log: logRuns ? createLogger({}) : onlyErrors,
    });
    this.#current = consumer;
    const { succeeded } = await consumer.run();
    this.#current = undefined;
    this.#settled += succeeded;
  }

  /** As a Function URL starts the function: one drain at a time; rings while one is under way become one more. */
  async #serveRings(): Promise<string> {
    let rung = false;
    let draining: Promise<void> | undefined;
    const drainWhileRung = async () => {
      while (rung) {
        rung = false;
        await this.#run(true);
      }
      draining = undefined;
    };
    const server = createServer((_request, response) => {
      rung = true;
      draining ??= drainWhileRung();
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#end = async () => {
      server.closeAllConnections();
      server.close();
      await draining;
    };
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }
}
