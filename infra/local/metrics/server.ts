import { timingSafeEqual } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createServer, type Server } from 'node:http';
import { ConfigError, type Logger, type WorkerEvents } from '../../../shared/index.ts';
import {
  EXPOSITION_TYPE,
  exposition,
  type MetricFamily,
  type RedisClient,
  RunMetrics,
  systemMetricsOver,
} from '../../../shared/internal.ts';
import type { MetricsAddress } from './address.ts';
import { processMetrics } from './process-metrics.ts';

export interface MetricsServerOptions {
  readonly worker: EventEmitter<WorkerEvents>;
  /** Of what Redis knows: of several, each with its name. @property namespace prefix of every key */
  readonly systems: readonly { readonly name?: string; readonly redis: RedisClient; readonly namespace: string }[];
  readonly address: MetricsAddress;
  /** Asked for where one is given. */
  readonly token?: string | undefined;
  readonly log: Logger;
}

/**
 * Serves a worker's metrics to Prometheus at /metrics: what the worker did, and what Redis knows of the whole system.
 * @returns where it is, and what ends it
 * @throws ConfigError for an address that cannot be used
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<{ port: number; close(): Promise<void> }> {
  const { worker, systems, address, token, log } = options;
  const runs = new RunMetrics();
  for (const outcome of ['succeeded', 'failed', 'retried', 'discarded', 'released'] as const)
    worker.on(outcome, (run) => runs.ran(run));
  worker.on('ticked', (totals) => runs.ticked(totals));
  const readers = systems.map(({ name, redis, namespace }) => ({ name, read: systemMetricsOver(redis, namespace) }));
  /** Two that ask at once are told the same. */
  let reading: Promise<MetricFamily[]> | undefined;

  async function text(): Promise<string> {
    reading ??= Promise.all(readers.map(systemOf))
      .then(merged)
      .finally(() => {
        reading = undefined;
      });
    const known = await reading;
    return exposition([...runs.families(), ...known, ...processMetrics()]);
  }

  async function systemOf({ name, read }: (typeof readers)[number]): Promise<MetricFamily[]> {
    const shard = name === undefined ? {} : { shard: name };
    // What the worker itself knows is told also while Redis is away.
    const system = await read().catch((error: unknown) => {
      log.warn('The metrics of the whole system could not be read: only those of this worker are told', {
        ...shard,
        error,
      });
      return undefined;
    });
    const up: MetricFamily = {
      name: 'lambdesque_redis_up',
      type: 'gauge',
      help: '1 if Redis has answered this scrape.',
      samples: [{ value: Number(system !== undefined) }],
    };
    return [...(system ?? []), up].map((family) => ({
      ...family,
      samples: family.samples.map((sample) => ({ ...sample, labels: { ...shard, ...sample.labels } })),
    }));
  }

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const answer = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(body);
    if (pathname !== '/metrics') return answer(404, 'Metrics are at /metrics.\n');
    if (request.method !== 'GET') return answer(405, 'Only GET is allowed.\n', { allow: 'GET' });
    if (token !== undefined && !isBearer(request.headers.authorization, token)) {
      return answer(401, 'Send the token: Authorization: Bearer <token>.\n', { 'www-authenticate': 'Bearer' });
    }
    return answer(200, await text(), { 'content-type': EXPOSITION_TYPE });
  });
  const port = await listen(server, address);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Each name once, as the format wants it. */
function merged(systems: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const families = new Map<string, MetricFamily>();
  for (const family of systems.flat()) {
    const samples = families.get(family.name)?.samples ?? [];
    families.set(family.name, { ...family, samples: [...samples, ...family.samples] });
  }
  return [...families.values()];
}

function isBearer(header: string | undefined, token: string): boolean {
  const [got, wanted] = [Buffer.from(header ?? ''), Buffer.from(`Bearer ${token}`)];
  return got.length === wanted.length && timingSafeEqual(got, wanted);
}

function listen(server: Server, { host, port }: MetricsAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'another program has that port' : error.message;
      reject(
        new ConfigError(`--metrics cannot be at ${host ?? ''}:${port}: ${why}. Give another address or port.`, {
          cause: error,
        }),
      );
    });
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
