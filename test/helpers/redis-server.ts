/**
 * A real Redis (or Valkey) of its own for one test file: free port, fresh folder, gone at stop().
 *
 * `kill()` and `start()` are an outage and its end, on the same port and with the same append-only file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { endWithProcess } from './end-with-process.ts';

export interface TestRedis {
  port: number;
  /** With the password in it, if there is one. */
  url: string;
  /** For assertions: RESP2, reconnects after a restart, and fails at once, never waits, while the server is away. */
  client: Redis;
  /** Ends the server, closes `client`, removes the folder. May be called twice. */
  stop(): Promise<void>;
  /** SIGKILL, as an out-of-memory kill or a lost machine would. */
  kill(): Promise<void>;
  /** Starts the server again, on the same port and folder, after kill(). */
  start(): Promise<void>;
}

export interface TestRedisOptions {
  /** Write every command to disk before answering it (`appendfsync always`). @default false */
  appendonly?: boolean;
  /** More server arguments, which win over ours: `['--maxmemory', '50mb']`. @default none */
  args?: string[];
  /** @default no password */
  password?: string;
  /** To take another server's place. @default a free one */
  port?: number;
  /** Its configuration, to start a Sentinel. @default it is a Redis */
  sentinel?: readonly string[];
}

const SERVER_BINARIES = ['redis-server', 'valkey-server'];
const LOG_FILE = 'server.log';
/** A Sentinel writes into it what it learns. */
const SENTINEL_FILE = 'sentinel.conf';
/** How long a server may take to answer its first PING, in ms. */
const START_TIMEOUT = 60_000;
/** Pause between two attempts to connect, in ms. */
const RETRY_DELAY = 10;
/** Attempts to find a port, as another process may take one between our look and the server's bind. */
const PORT_ATTEMPTS = 10;
/**
 * Below the ephemeral ports of Linux (32768 up) and macOS (49152 up) and above 6379: a client that reconnects to an
 * ephemeral port whose server is away can by chance get that very port as its own and connect to itself, which then
 * keeps the server from coming back.
 */
const PORTS = { from: 20_000, count: 10_000 };

export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  for (let attempt = 1; ; attempt++) {
    const server = new ServerProcess(
      options.port ?? (await freePort()),
      await mkdtemp(join(tmpdir(), 'lambdesque-redis-')),
      options,
    );
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** @throws Error while one of those that replicate another has not got all of it: it could not take its place */
export async function checkInSync(servers: readonly TestRedis[]): Promise<void> {
  for (const { client, port } of servers) {
    const info = await client.info('replication');
    if (/master_link_status:down/.test(info)) throw new Error(`The replica on port ${port} is not in sync.`);
  }
}

class PortTakenError extends Error {}

/** Its three methods are bound, so that `afterAll(redis.stop)` works. */
class ServerProcess implements TestRedis {
  readonly port: number;
  readonly url: string;
  readonly client: Redis;
  readonly #dir: string;
  readonly #args: string[];
  readonly #sentinel: readonly string[] | undefined;
  #child: ChildProcess | undefined;

  constructor(port: number, dir: string, { appendonly = false, args = [], password, sentinel }: TestRedisOptions) {
    this.port = port;
    this.#dir = dir;
    this.#sentinel = sentinel;
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    this.url = `redis://${login}127.0.0.1:${port}`;
    this.#args = sentinel ? [join(dir, SENTINEL_FILE), '--sentinel'] : [];
    this.#args.push('--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '');
    this.#args.push('--appendonly', appendonly ? 'yes' : 'no', '--appendfsync', 'always');
    // Replicas are filled at once: a primary would wait five seconds for more of them.
    this.#args.push('--repl-diskless-sync-delay', '0');
    if (password !== undefined) this.#args.push('--requirepass', password);
    this.#args.push(...args);
    this.client = new Redis(this.url, {
      protocol: 2,
      lazyConnect: true,
      // No ready check: it waits whole seconds while the server loads its append-only file; start() asks in a loop.
      enableReadyCheck: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => RETRY_DELAY,
    });
    // An outage is part of the test: the commands sent meanwhile reject, the connection itself has nobody to tell.
    this.client.on('error', () => {});
  }

  readonly start = async (): Promise<void> => {
    if (this.#child) throw new Error(`Redis on port ${this.port} already runs: call kill() before start().`);
    if (this.#sentinel) await writeFile(join(this.#dir, SENTINEL_FILE), this.#sentinel.join('\n'));
    this.#child = await spawnServer(this.#args, this.#dir);
    const giveUpAt = Date.now() + START_TIMEOUT;
    while (!(await this.#answers(this.#child))) {
      if (hasExited(this.#child)) {
        this.#child = undefined;
        throw await this.#startError('ended at once');
      }
      if (Date.now() > giveUpAt) throw await this.#startError(`gave no answer to PING within ${START_TIMEOUT} ms`);
      await delay(RETRY_DELAY);
    }
  };

  readonly kill = async (): Promise<void> => {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    if (hasExited(child)) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  };

  readonly stop = async (): Promise<void> => {
    this.client.disconnect();
    await this.kill();
    await rm(this.#dir, { recursive: true, force: true });
  };

  /** True once the server that answers on the port is the one we started, and has loaded its data. */
  async #answers(child: ChildProcess): Promise<boolean> {
    try {
      await this.client.ping();
      const info = await this.client.info('server');
      return info.includes(`process_id:${child.pid}\r\n`);
    } catch {
      return false;
    }
  }

  async #startError(what: string): Promise<Error> {
    const log = (await readFile(join(this.#dir, LOG_FILE), 'utf8')).trim();
    const message = `Redis on port ${this.port} ${what}. Its last words:\n${log.split('\n').slice(-5).join('\n')}`;
    return /address already in use/i.test(log) ? new PortTakenError(message) : new Error(message);
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    const port = PORTS.from + Math.floor(Math.random() * PORTS.count);
    const probe = createServer();
    try {
      await new Promise<void>((resolve, reject) => probe.once('error', reject).listen(port, '127.0.0.1', resolve));
      await new Promise((resolve) => probe.close(resolve));
      return port;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** @param args of the server  @param dir gets its log */
export async function spawnServer(args: string[], dir: string): Promise<ChildProcess> {
  for (const binary of SERVER_BINARIES) {
    const log = openSync(join(dir, LOG_FILE), 'w');
    const child = spawn(binary, args, { stdio: ['ignore', log, log] });
    closeSync(log);
    try {
      await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw error;
    }
    child.unref();
    const ended = endWithProcess(() => {
      child.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    });
    child.once('exit', ended);
    return child;
  }
  throw new Error(
    `None of ${SERVER_BINARIES.join(', ')} is on the PATH. Tests run against a real Redis: ` +
      "install Debian's redis-server package (macOS: brew install redis), or your machine's equivalent.",
  );
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
