import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { ConfigError, type Logger } from '../../../shared/index.ts';
import {
  EXPOSITION_TYPE,
  exposition,
  type RedisClient,
  RunMetrics,
  systemMetricsOver,
  type WorkerService,
} from '../../../shared/internal.ts';
import type { MetricsAddress } from './address.ts';
import { processMetrics } from './process-metrics.ts';

export interface MetricsServerOptions {
  readonly worker: Pick<WorkerService, 'on'>;
  readonly redis: RedisClient;
  /** Prefix of every key. */
  readonly namespace: string;
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
  const { worker, redis, namespace, address, token, log } = options;
  const runs = new RunMetrics();
  for (const outcome of ['succeeded', 'failed', 'retried', 'discarded', 'released'] as const)
    worker.on(outcome, (run) => runs.ran(run));
  worker.on('ticked', (totals) => runs.ticked(totals));
  const read = systemMetricsOver(redis, namespace);
  /** Two that ask at once are told the same. */
  let reading: ReturnType<typeof read> | undefined;

  async function text(): Promise<string> {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    // What the worker itself knows is told also while Redis is away.
    const system = await reading.catch((error: unknown) => {
      log.warn('The metrics of the whole system could not be read: only those of this worker are told', { error });
      return undefined;
    });
    const up = {
      name: 'lambdesque_redis_up',
      type: 'gauge',
      help: '1 if Redis has answered this scrape.',
      samples: [{ value: Number(system !== undefined) }],
    } as const;
    return exposition([...runs.families(), ...(system ?? []), up, ...processMetrics()]);
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
