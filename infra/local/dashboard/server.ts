import type { Server } from 'node:http';
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import { pathToFileURL } from 'node:url';
import { createAdaptorServer, type HttpBindings } from '@hono/node-server';
import { type Assets, CountedRedis, createDashboard, type Prices } from '../../../functions/dashboard/index.ts';
import { ConfigError, type CronEntry, type Logger } from '../../../shared/index.ts';
import {
  clientOver,
  type RedisClient,
  type Registry,
  redisSeenRequestsBroker,
  redisSignInBroker,
  systemMetricsOver,
} from '../../../shared/internal.ts';
import { dashboardAssets } from '../../dashboard/assets.ts';
import { version } from '../../dashboard/version.ts';

/** Between two updates of a page that is looked at, ms. */
const INTERVAL = 5_000;
/** Where it is, unless that port is taken. */
const defaultPort = 7377;

export interface DashboardServerOptions {
  readonly redis: RedisClient;
  /** Prefix of every key. */
  readonly namespace: string;
  readonly registry: Registry;
  /** The static cron entries. */
  readonly cron: Readonly<Record<string, CronEntry>>;
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** 0 is any free one. @default 7377, or any free one where that is taken */
  readonly port?: number;
  /** Asked for where one is given. @default none */
  readonly password?: string;
  /** With which jobs are signed that come over the API. @default none are taken */
  readonly jobsKey?: string;
  /** Opens the metrics to Prometheus. @default they are behind the password, if there is one */
  readonly metricsToken?: string;
  /** @default false */
  readonly readOnly?: boolean;
  /** Where it is as if the jobs ran on Lambda. @default no costs are shown */
  readonly prices?: Prices;
  readonly log: Logger;
}

export interface DashboardServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the dashboard from this machine; to others only behind a password.
 * @throws ConfigError for another address than this machine's own without a password, or for one that cannot be used
 */
export async function serveDashboard(options: DashboardServerOptions): Promise<DashboardServer> {
  const { host = '127.0.0.1', password, metricsToken, jobsKey, namespace, registry, cron, prices, log } = options;
  if (!isLoopback(host) && password === undefined) {
    throw new ConfigError(
      `--host ${host} opens the dashboard to other machines, and needs a password: set LAMBDESQUE_DASHBOARD_PASSWORD, or give ` +
        '--password-file with the path of a file that holds it.',
    );
  }
  const redis = new CountedRedis(options.redis);
  const inspector = clientOver(redis, { namespace, jobs: registry.definitions, cronEntries: cron });
  const signIns = redisSignInBroker(redis, namespace);
  const metrics = systemMetricsOver(redis, namespace);
  const requests = redisSeenRequestsBroker(redis, namespace);
  const { enqueueAll } = inspector;
  const opened = {
    inspector,
    signIns,
    metrics,
    requests,
    enqueueAll,
    commands: () => redis.sent,
    close: async () => {},
  };
  const { assets } = (await import(pathToFileURL(dashboardAssets()).href)) as { readonly assets: Assets };
  let port = 0;
  const shown = isIP(host) === 6 ? `[${host}]` : host;
  const app = createDashboard<HttpBindings>({
    open: async () => opened,
    caller: ({ incoming }) => ({
      address: incoming.socket.remoteAddress ?? '',
      ...(password === undefined ? { name: userName() } : {}),
    }),
    signIn: password === undefined ? { kind: 'none' } : { kind: 'password', password: async () => password },
    ...(jobsKey === undefined ? {} : { jobsKey: async () => jobsKey }),
    ...(metricsToken === undefined ? {} : { metricsToken: async () => metricsToken }),
    // Somebody else's page may come by a name of its own that leads here. With a password it would have no cookie.
    ...(password === undefined
      ? { hosts: () => ['127.0.0.1', 'localhost', '[::1]', shown].map((name) => `${name}:${port}`) }
      : {}),
    secure: false,
    readOnly: options.readOnly ?? false,
    interval: INTERVAL,
    assets,
    about: { redis: options.redis.address, namespace, version },
    ...(prices ? { prices } : {}),
    log,
    now: Date.now,
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  port = await listen(server, host, options.port);
  return {
    url: `http://${shown}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as somebody without a name.
    return 'somebody on this machine';
  }
}

/** @returns the port */
async function listen(server: Server, host: string, wanted: number | undefined): Promise<number> {
  try {
    return await tryPort(server, host, wanted ?? defaultPort);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' && wanted === undefined) return tryPort(server, host, 0);
    const why = code === 'EADDRINUSE' ? 'another program has that port' : message;
    throw new ConfigError(
      `The dashboard cannot be at ${host}, port ${wanted ?? defaultPort}: ${why}. Give another --port or --host.`,
      {
        cause: error,
      },
    );
  }
}

function tryPort(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
