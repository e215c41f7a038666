import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { WATCHED, type WatchMessage } from '../../modules/dev-channel.ts';
import type { Env } from '../redis/install.ts';

/** For running jobs; what they have not done then goes back to its queue. */
const SHUTDOWN_TIMEOUT = '5s';
/** For the worker to end, ms: by then its jobs have had their time. */
const STOP_LIMIT = 8_000;
/** Jobs of one that had to be killed come back after so long. */
const LEASE = '15s';

interface DevWorkerOptions {
  readonly jobs: string;
  readonly cron?: string;
  readonly env: Env;
  /** The files that it was made of. */
  readonly onFiles: (files: readonly string[]) => void;
}

/** `lambdesque work` as a child process, which ends so that another can take its place. */
export class DevWorker {
  /** What it ended with: an exit code or a signal. */
  readonly ended: Promise<{ readonly end: number | string }>;
  readonly #child: ChildProcess;
  #ready = false;

  constructor({ jobs, cron, env, onFiles }: DevWorkerOptions) {
    // Beside the folder of this file, with its extension: .ts here, .js in the published package.
    const cli = fileURLToPath(import.meta.url).replace(/dev[\\/]dev-worker(\.\w+)$/, 'cli$1');
    const shared = ['--queues', '*', '--scheduler', '--interval', '1s', '--lease', LEASE];
    const own = [
      '--shutdown-timeout',
      SHUTDOWN_TIMEOUT,
      '--jobs',
      jobs,
      ...(cron === undefined ? [] : ['--cron', cron]),
    ];
    this.#child = fork(cli, ['work', ...shared, ...own], {
      execArgv: [],
      // npm's signals are the business of this process.
      env: { ...env, [WATCHED]: '1', npm_lifecycle_event: undefined },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: WatchMessage) => {
      if ('ready' in message) this.#ready = true;
      else onFiles(message.files);
    });
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject).once('exit', (code, signal) => resolve({ end: code ?? signal ?? '' }));
    });
  }

  /** Running jobs get their time. @returns whether they had it; else they come back when the worker's lease has ended */
  async stop(): Promise<boolean> {
    // One that is still loading holds no jobs, and a top-level await may never end.
    if (this.#ready && this.#child.connected) this.#child.disconnect();
    else this.#child.kill('SIGTERM');
    let killed = false;
    const timer = setTimeout(() => {
      killed = true;
      this.kill();
    }, STOP_LIMIT);
    await this.ended;
    clearTimeout(timer);
    return !killed;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
