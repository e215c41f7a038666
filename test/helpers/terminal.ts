/** The command line on a terminal, which `script` of util-linux makes. */
import { spawnSync } from 'node:child_process';
import { type CliProcess, JOBS, lambdesque } from './worker-process.ts';

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** That of BSD and macOS has other options. */
export const hasTerminals =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false;

export interface TerminalOptions {
  readonly columns: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** @param args of `lambdesque`. @returns its exit code, and all that the terminal was sent */
export async function onTerminal(args: readonly string[], options: TerminalOptions) {
  const { code, stdout } = await atTerminal(args, options, false).ended;
  return { code, sent: stdout.replaceAll('\r\n', '\n') };
}

/** @param first of a shell, before the command, which has that shell's process id */
export function atTerminal(
  args: readonly string[],
  { columns, rows, env = {}, first = ':' }: TerminalOptions & { readonly rows?: number; readonly first?: string },
  typing = true,
): CliProcess {
  const cli = [process.execPath, 'infra/local/cli.ts', ...args].map(quoted).join(' ');
  const size = `stty cols ${columns}${rows === undefined ? '' : ` rows ${rows}`}`;
  const command = ['script', '--quiet', '--return', '--command', `${size}; ${first}; exec ${cli}`, '/dev/null'];
  return lambdesque([], { command, typing, env: { TERM: 'xterm-256color', SHELL: '/bin/sh', ...env } });
}

/** Drains the queue `q` with the jobs of the tests. */
export const workOnTerminal = (uri: string, options: TerminalOptions) =>
  onTerminal(['work', '--queues', 'q', '--exit-on-complete', '--jobs', JOBS, '--uri', uri, '--log-args'], options);
