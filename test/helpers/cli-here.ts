/** Commands in this process: as fast as what they do. The real command line, as a process, is tried in e2e/. */
import { format } from 'node:util';
import { Command } from 'commander';
import { vi } from 'vitest';
import { addInspector } from '../../infra/local/commands/inspect/index.ts';
import { goFlags } from '../../infra/local/go-flags.ts';
import { program } from '../../infra/local/program.ts';
import { tellError } from '../../infra/local/tell-error.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** All of the program, with this process's environment. @param args of `lambdesque`. One at a time: it takes this process's output. */
export function programHere(args: readonly string[]): Promise<CommandResult> {
  return outputOf(() => program.parseAsync(goFlags(args), { from: 'user' }));
}

/** The inspector's commands, with an environment of their own. @param args of `lambdesque`. One at a time */
export function lambdesqueHere(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CommandResult> {
  const own = new Command('lambdesque').exitOverride();
  addInspector(own, env);
  return outputOf(() => own.parseAsync(args, { from: 'user' }));
}

async function outputOf(run: () => Promise<unknown>): Promise<CommandResult> {
  const text = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr') => (part: unknown) => {
    text[stream] += String(part);
    return true;
  };
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...parts) => void into('stdout')(`${format(...parts)}\n`)),
    vi.spyOn(console, 'error').mockImplementation((...parts) => void into('stderr')(`${format(...parts)}\n`)),
    vi.spyOn(process.stdout, 'write').mockImplementation(into('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('stderr')),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await run();
    return { code: Number(process.exitCode ?? 0), ...text };
  } catch (error) {
    const code = tellError(error);
    return { code, ...text };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
