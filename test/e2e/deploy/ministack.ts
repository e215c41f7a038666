/**
 * A local AWS: ministack from PyPI. Its functions are real processes of Node with the rights of their roles and no others, its
 * clock is the real one, and it listens on 127.0.0.1 alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithProcess } from '../../helpers/end-with-process.ts';
import { freePort } from '../../helpers/redis-server.ts';
import { pythonTool } from './python-tool.ts';

const VERSION = '1.5.33';
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('./emulator.py', import.meta.url));
/** How long it may take to answer for the first time, ms. */
const START_TIMEOUT = 180_000;
export const REGION = 'eu-central-1';

export interface Ministack {
  readonly url: string;
  /** For programs that use it as they would use AWS. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it, and the processes of its functions. */
  stop(): Promise<void>;
}

/** @param folder gets its log and its functions' code, and is the caller's to remove */
export async function startMinistack(folder: string): Promise<Ministack> {
  const python = join(await pythonTool('ministack', VERSION), 'python');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  // Lambda's runtime has the AWS SDK without it being in the bundle; here it is found beside the functions' code.
  await symlink(join(ROOT, 'node_modules'), join(temporary, 'node_modules'));
  const log = join(folder, 'ministack.log');
  const child = spawn('sh', ['-c', 'exec "$0" "$@" >"$LOG" 2>&1', python, PROGRAM], {
    cwd: folder,
    // A group of its own, with its functions.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {
      HOME: folder,
      LOG: log,
      // Nothing of it beside the sources.
      PYTHONDONTWRITEBYTECODE: '1',
      PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
      TMPDIR: temporary,
      GATEWAY_PORT: String(port),
      BIND_HOST: '127.0.0.1',
      MINISTACK_HOST: '127.0.0.1',
      // IAM refuses what no policy allows.
      AUTH: 'true',
      MINISTACK_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
    },
  });
  const kill = () => killGroup(child);
  const ended = endWithProcess(kill);
  const began = performance.now();
  while (!(await answers(`${url}/_ministack/health`))) {
    if (child.exitCode === null && performance.now() - began < START_TIMEOUT) await delay(100);
    else throw new Error(`ministack does not answer:\n${await readFile(log, 'utf8')}`);
  }
  return {
    url,
    env: {
      AWS_ENDPOINT_URL: url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    async stop() {
      ended();
      const exited = child.exitCode === null ? once(child, 'exit') : undefined;
      kill();
      await exited;
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}

/** A folder for one run. Not within the checkout: its package.json would make ES modules of ministack's own scripts. */
export function runFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'lambdesque-deploy-'));
}
