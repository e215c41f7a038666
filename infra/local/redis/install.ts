import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LambdesqueError } from '../../../shared/index.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** No local Redis could be found, installed or started. The message says why, and what to do about it. */
export class LocalRedisError extends LambdesqueError {}

/** What this module needs to know of, and do on, the machine it runs on. */
export interface Machine {
  /** root runs the package managers directly, anybody else through `sudo -n`. */
  readonly root: boolean;
  /** The path of the program with this name on the PATH, if there is one. */
  which(name: string): string | undefined;
  /** Runs a command that cannot ask anything: its stdin is empty. Does not throw. */
  run(command: readonly string[]): Promise<Ran>;
}

export interface Ran {
  /** The exit code, 0 for success; else the signal that ended the command, or why it could not start. */
  readonly exit: number | string;
  /** stdout and stderr, as they came. */
  readonly output: string;
}

const SERVERS = ['redis-server', 'valkey-server'] as const;

interface PackageManager {
  readonly program: string;
  /** Homebrew refuses root; the others need it. */
  readonly as: 'root' | 'user';
  readonly refresh?: readonly string[];
  readonly install: readonly string[];
  /** Tried in this order: distributions differ in which of the two they carry. */
  readonly packages: readonly string[];
}

// `env` sets the variable because sudo drops the one in our environment.
const APT_GET = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get'] as const;

const PACKAGE_MANAGERS: readonly PackageManager[] = [
  {
    program: 'apt-get',
    as: 'root',
    refresh: [...APT_GET, 'update'],
    install: [...APT_GET, 'install', '--yes'],
    packages: ['redis-server'],
  },
  { program: 'apk', as: 'root', install: ['apk', 'add', '--no-cache'], packages: ['valkey', 'redis'] },
  { program: 'dnf', as: 'root', install: ['dnf', 'install', '--assumeyes'], packages: ['valkey', 'redis'] },
  { program: 'brew', as: 'user', install: ['brew', 'install'], packages: ['valkey', 'redis'] },
];

const BY_HAND =
  'Install one by hand (Debian, Ubuntu: `apt-get install redis-server`; Alpine: `apk add valkey`; Fedora, RHEL, ' +
  'Amazon Linux: `dnf install valkey`; macOS: `brew install valkey`), or set REDIS_URL to a Redis that runs already.';

/** The path of the first server program on the PATH. */
export function findServer(machine: Machine): string | undefined {
  return SERVERS.map((name) => machine.which(name)).find((path) => path !== undefined);
}

/**
 * Installs a server with the machine's package manager, where that needs no question, and returns its path.
 * @throws LocalRedisError when no package manager can be used, or when none of its packages brought a server
 */
export async function installServer(machine: Machine, say: (line: string) => void): Promise<string> {
  const { manager, prefix } = await usableManager(machine);
  say(`No ${SERVERS.join(' or ')} on the PATH: installing one with ${manager.program}`);

  const report: string[] = [];
  const run = async (command: readonly string[]): Promise<void> => {
    const line = [...prefix, ...command].join(' ');
    say(`$ ${line}`);
    const { exit, output } = await machine.run([...prefix, ...command]);
    report.push(`\`${line}\` ended with ${exit}:\n${tail(output)}`);
  };

  if (manager.refresh) await run(manager.refresh);
  for (const name of manager.packages) {
    await run([...manager.install, name]);
    // The server's presence decides, not the exit codes: `apt-get update` fails when one source of many is broken, and
    // Debian's package fails after it was unpacked when its service finds port 6379 taken.
    const server = findServer(machine);
    if (server !== undefined) return server;
  }
  throw new LocalRedisError(
    `Installing a Redis server with ${manager.program} left no ${SERVERS.join(' or ')} on the PATH. ${BY_HAND}\n${report.join('\n')}`,
  );
}

/** The first package manager that would ask nothing, and what to put before its commands. */
async function usableManager(machine: Machine): Promise<{ manager: PackageManager; prefix: readonly string[] }> {
  const refusals: string[] = [];
  let sudo: boolean | undefined;
  for (const manager of PACKAGE_MANAGERS) {
    if (machine.which(manager.program) === undefined) continue;
    const direct = machine.root === (manager.as === 'root');
    if (direct) return { manager, prefix: [] };
    if (manager.as === 'user') {
      refusals.push(`${manager.program} does not run as root`);
      continue;
    }
    sudo ??= machine.which('sudo') !== undefined && (await machine.run(['sudo', '-n', 'true'])).exit === 0;
    if (sudo) return { manager, prefix: ['sudo', '-n'] };
    refusals.push(`${manager.program} needs root, and \`sudo -n\` does not give it without a password`);
  }
  const why = refusals.length > 0 ? refusals.join('; ') : 'there is no apt-get, apk, dnf or brew';
  throw new LocalRedisError(
    `No ${SERVERS.join(' or ')} on the PATH, and none can be installed without asking: ${why}. ${BY_HAND}`,
  );
}

/** The last lines of a program's output: where it says what went wrong. */
export function tail(output: string): string {
  const text = output.trim();
  return text === '' ? '(no output)' : text.split('\n').slice(-15).join('\n');
}

/** The machine this process runs on, with `env` as the environment of every command. */
export function thisMachine(env: Env): Machine {
  return {
    root: process.getuid?.() === 0,
    which: (name) =>
      (env['PATH'] ?? '')
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, name))
        .find(isProgram),
    run: ([program = '', ...args]) =>
      new Promise((resolve) => {
        const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        const collect = (chunk: string): void => {
          output += chunk;
        };
        child.stdout.setEncoding('utf8').on('data', collect);
        child.stderr.setEncoding('utf8').on('data', collect);
        child.once('error', (error) => resolve({ exit: error.message, output }));
        child.once('close', (code, signal) => resolve({ exit: code ?? signal ?? 'no exit code', output }));
      }),
  };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
