/**
 * A worker as a service manager keeps it: the command line as a process that is started again soon after it ended, until
 * it is stopped. Its output goes to a file for each life. Every process ends with the one that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './chaos-wait.ts';
import { endWithProcess } from './end-with-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One process, from its start to its end. */
export interface Life {
  readonly name: string;
  readonly pid: number;
  /** The file with what it wrote. */
  readonly output: string;
  /** Milliseconds on a clock that only goes forward. */
  readonly startedAt: number;
  endedAt: number;
  /** The first signal that we sent it. */
  asked?: NodeJS.Signals;
  /** It stood still for a while, by SIGSTOP. */
  frozen?: true;
  /** Set when it is gone: a signal's name, or `code-1`. */
  how?: string;
}

export interface SupervisorOptions {
  /** For the names of its files. */
  readonly name: string;
  /** Of `lambdesque`: `['work', '--queues', 'a']`. */
  readonly args: readonly string[];
  /** Beside PATH: nothing of the machine's environment gets through. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its outputs go. */
  readonly folder: string;
  /** From an end to the next start, ms; `never` leaves it at one life. @default 100 */
  readonly restartAfter?: number | 'never';
  readonly onEnd?: (life: Life) => void;
}

/** How a process ends that cannot use its flags. */
const REFUSED = 'code-2';

const children = new Set<ChildProcess>();
endWithProcess(() => {
  for (const child of children) child.kill('SIGKILL');
});

export class Supervisor {
  readonly lives: Life[] = [];
  readonly #options: SupervisorOptions;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#start();
  }

  get name(): string {
    return this.#options.name;
  }

  /** The process that runs now. */
  get life(): Life | undefined {
    return this.#child && this.lives.at(-1);
  }

  /** The lives that ended although nobody asked for it. */
  get crashes(): Life[] {
    return this.lives.filter((life) => life.how !== undefined && life.asked === undefined);
  }

  /** What it wrote when it could not use its flags; it was not started again. */
  get refusal(): string | undefined {
    const life = this.lives.find(({ how }) => how === REFUSED);
    return life && readFileSync(life.output, 'utf8').trim();
  }

  signal(name: NodeJS.Signals): void {
    const { life } = this;
    if (!life) return;
    life.asked ??= name;
    this.#child?.kill(name);
  }

  /** It stands still for so many ms, as a virtual machine does that is moved to another host. */
  freeze(ms: number): void {
    const { life } = this;
    const child = this.#child;
    if (!life || !child) return;
    life.frozen = true;
    child.kill('SIGSTOP');
    setTimeout(() => child.kill('SIGCONT'), ms);
  }

  /** SIGKILL; resolves when the process is gone. The next one is started all the same. */
  async kill(): Promise<void> {
    const { life } = this;
    this.signal('SIGKILL');
    await until(() => life === undefined || life.how !== undefined);
  }

  /**
   * Ends it for good: SIGTERM, and SIGKILL for a process that takes too long.
   * @param patience ms  @returns its last life, undefined if none ran
   */
  async stop(patience = 30_000): Promise<Life | undefined> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const { life } = this;
    if (!life) return undefined;
    this.signal('SIGTERM');
    if (!(await until(() => life.how !== undefined, { patience }))) await this.kill();
    return life;
  }

  #start(): void {
    const { name, args, env, folder } = this.#options;
    const output = join(folder, `${name}.${this.lives.length + 1}.out`);
    const file = openSync(output, 'a');
    const child = spawn(process.execPath, ['infra/local/cli.ts', ...args], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...env },
      stdio: ['ignore', file, file],
    });
    closeSync(file);
    children.add(child);
    this.#child = child;
    const life: Life = { name, pid: child.pid ?? 0, output, startedAt: performance.now(), endedAt: Infinity };
    this.lives.push(life);
    child.once('exit', (code, signal) => this.#ended(child, life, signal ?? `code-${code}`));
    child.once('error', (error) => this.#ended(child, life, error.name));
  }

  #ended(child: ChildProcess, life: Life, how: string): void {
    children.delete(child);
    this.#child = undefined;
    life.how = how;
    life.endedAt = performance.now();
    const { restartAfter = 100, onEnd } = this.#options;
    onEnd?.(life);
    // A mistake in its flags: the next one would make it again.
    if (this.#stopped || restartAfter === 'never' || how === REFUSED) return;
    this.#timer = setTimeout(() => this.#start(), restartAfter);
  }
}

/** It ended as SIGTERM asks it to; before it has said anything, it does not listen to signals yet. */
export function endedWell(life: Life): boolean {
  return life.how === 'code-0' || (life.how === 'SIGTERM' && outputLines(life).length === 0);
}

/** A line of a process's log. */
export interface OutputLine {
  readonly [field: string]: unknown;
  readonly level: string;
  readonly msg: string;
  /** ISO 8601. */
  readonly time: string;
}

/** The lines of a life's output that are JSON; a line that was cut by a kill is none. */
export function outputLines(life: Pick<Life, 'output'>): OutputLine[] {
  if (!existsSync(life.output)) return [];
  return readFileSync(life.output, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        return line.startsWith('{') ? [JSON.parse(line) as OutputLine] : [];
      } catch {
        return [];
      }
    });
}
