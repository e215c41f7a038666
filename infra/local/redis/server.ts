import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Env, LocalRedisError, tail } from './install.ts';

/** A server that we started: it ends with this process, however that ends. */
interface OwnServer {
  readonly port: number;
  /** Ends the server and removes its folder. Safe to call again. */
  readonly stop: () => Promise<void>;
}

interface StartOptions {
  /** Gives the port to try; asked again when another process was quicker to take it. @default a free one */
  readonly nextPort?: () => Promise<number>;
  /** Aborted when the server has had its time to answer. @default 30 seconds after the call */
  readonly giveUp?: AbortSignal;
}

const START_LIMIT_MS = 30_000;
const POLL_MS = 10;
const PORT_ATTEMPTS = 5;

/**
 * $1 is the server's folder, the rest its command. fd 3 is a pipe that only our process holds open, so that its end
 * is our end, however we died (SIGKILL included): the watcher then kills the server and removes the folder. `exec`
 * keeps `$$` the server's process id, and no other process can get that id while the watcher is in its process group.
 */
const WATCHED_SERVER = `
folder=$1; shift
( read -r end <&3; kill -9 $$; rm -rf -- "$folder" ) >/dev/null 2>&1 &
exec "$@" 3<&-`;

/**
 * Starts `program`, empty and in memory only, on a free port of 127.0.0.1 with a temporary folder.
 * @throws LocalRedisError with the server's output when it ends, or does not answer in time
 */
export async function startServer(program: string, env: Env, options: StartOptions = {}): Promise<OwnServer> {
  const { nextPort = freePort, giveUp = AbortSignal.timeout(START_LIMIT_MS) } = options;
  for (let attempt = 1; ; attempt++) {
    const started = await launch(program, env, await nextPort(), giveUp);
    if ('stop' in started) return started;
    const { failure, output } = started;
    const portTaken = /Failed listening on port|address (already )?in use/i.test(output);
    if (!portTaken || attempt === PORT_ATTEMPTS) {
      throw new LocalRedisError(
        `${program} did not start: it ${failure}. Mend what its output names, or set REDIS_URL to a Redis that runs ` +
          `already. Its output:\n${tail(output)}`,
      );
    }
  }
}

interface FailedStart {
  readonly failure: string;
  readonly output: string;
}

async function launch(program: string, env: Env, port: number, giveUp: AbortSignal): Promise<OwnServer | FailedStart> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-redis-'));
  const log = join(folder, 'server.log');
  const settings = ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawnWatched([folder, program, ...settings], env, log);
  const ended = new AbortController();
  child.once('exit', () => ended.abort());
  try {
    await once(child, 'spawn');
  } catch (cause) {
    await rm(folder, { recursive: true, force: true });
    throw new LocalRedisError(`${program} could not be run: ${String(cause)}. Is there a /bin/sh?`, { cause });
  }

  const end = async (): Promise<void> => {
    killGroup(child);
    child.ref();
    if (!ended.signal.aborted) await once(child, 'exit');
    await rm(folder, { recursive: true, force: true });
  };

  const limit = AbortSignal.any([ended.signal, giveUp]);
  while (!(await answers(port, child.pid, limit))) {
    if (limit.aborted) {
      const exit = child.exitCode ?? child.signalCode;
      const failure = exit === null ? `did not answer on port ${port} in time` : `ended with ${exit}`;
      const output = await readFile(log, 'utf8');
      await end();
      return { failure, output };
    }
    await delay(POLL_MS);
  }

  // From here on the server keeps no process alive that has nothing else to do: that one ends, and the server with it.
  child.unref();
  let ending: Promise<void> | undefined;
  return {
    port,
    stop: () => {
      ending ??= end();
      return ending;
    },
  };
}

function spawnWatched(args: readonly string[], env: Env, log: string): ChildProcess {
  const output = openSync(log, 'w');
  try {
    const child = spawn('/bin/sh', ['-c', WATCHED_SERVER, 'sh', ...args], {
      env,
      // Its own process group: a terminal's Ctrl-C must reach us alone, who still have jobs to settle.
      detached: true,
      stdio: ['ignore', output, output, 'pipe'],
    });
    const [, , , lifeline] = child.stdio;
    if (lifeline instanceof Socket) lifeline.unref();
    return child;
  } finally {
    closeSync(output);
  }
}

/** Ends server and watcher at once: SIGKILL, since the server has nothing to save. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Both were gone already.
  }
}

/** Whether the process `pid` answers PING on this port, rather than nobody or another Redis. */
function answers(port: number, pid: number | undefined, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, signal });
    let reply = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      reply += chunk;
      const answering = /process_id:(\d+)\r/.exec(reply)?.[1];
      if (answering === undefined) return;
      resolve(reply.startsWith('+PONG\r\n') && answering === `${pid}`);
      socket.destroy();
    });
    socket.once('connect', () => socket.write('PING\r\nINFO server\r\n'));
    socket.on('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') {
    throw new LocalRedisError('This machine gave no free TCP port on 127.0.0.1. Set REDIS_URL to a running Redis.');
  }
  return address.port;
}
