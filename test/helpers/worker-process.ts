/** The real command line as a child process. Every process ends with the test that started it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEachTest } from './cleanup.ts';
import { endWithProcess } from './end-with-process.ts';
import { eventually } from './eventually.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The job classes in worker-jobs.ts. */
export const JOBS = fileURLToPath(new URL('./worker-jobs.ts', import.meta.url));

/** A line of a worker's log; the fields of a run's line by name. */
export interface LogLine {
  readonly [field: string]: unknown;
  readonly level: string;
  readonly msg: string;
  readonly class?: string;
  readonly queue?: string;
  readonly outcome?: string;
  readonly attempt?: number;
  readonly error?: string;
}

export interface CliOptions {
  /** Beside PATH: nothing of the machine's environment gets through. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default node infra/local/cli.ts */
  readonly command?: readonly string[];
  /** Its standard input is open, for `type`. @default there is none */
  readonly typing?: boolean;
}

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliProcess {
  readonly pid: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The lines of standard output that are JSON. */
  readonly lines: readonly LogLine[];
  readonly ended: Promise<Ended>;
  readonly running: boolean;
  signal(name: NodeJS.Signals): void;
  /** To its standard input; `null` ends that. */
  type(text: string | null): void;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<Ended>;
  /** Waits for a line of the log. Fails if the process ends without it. */
  line(matches: (line: LogLine) => boolean): Promise<LogLine>;
}

const children = new Set<ChildProcess>();
const endAll = () => {
  for (const child of children) child.kill('SIGKILL');
};
endWithProcess(endAll);
afterEachTest(endAll);

export function lambdesque(args: readonly string[], options: CliOptions = {}): CliProcess {
  const [program = '', ...first] = options.command ?? [process.execPath, 'infra/local/cli.ts'];
  const child = spawn(program, [...first, ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...options.env },
    stdio: [options.typing ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject).once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });

  return {
    pid: child.pid ?? 0,
    ended,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get lines() {
      return jsonLines(stdout);
    },
    get running() {
      return children.has(child);
    },
    signal: (name) => void child.kill(name),
    type(text) {
      if (text === null) child.stdin?.end();
      else child.stdin?.write(text);
    },
    kill() {
      child.kill('SIGKILL');
      return ended;
    },
    line: (matches) => {
      const look = () => {
        const over = !children.has(child);
        const found = jsonLines(stdout).find(matches);
        if (found) return { found };
        if (over) return { over };
        throw new Error(`No such line yet: ${matches}\n${stdout}${stderr}`);
      };
      return eventually(look).then((result) => {
        if (result.found) return result.found;
        throw new Error(`The process ended without such a line: ${matches}\n${stdout}${stderr}`);
      });
    },
  };
}

export function jsonLines(text: string): LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as LogLine);
}

/** The lines that tell of runs. */
export function runs(text: string): LogLine[] {
  return jsonLines(text).filter((line) => line.outcome !== undefined);
}
