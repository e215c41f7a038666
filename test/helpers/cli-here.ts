/** The inspector's commands in this process: as fast as what they do. The real command line is tried in e2e/. */
import { format } from 'node:util';
import { Command } from 'commander';
import { vi } from 'vitest';
import { addInspector } from '../../infra/local/commands/inspect/index.ts';
import { tellError } from '../../infra/local/tell-error.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param args of `lambdesque`. One at a time: it takes this process's output. */
export async function lambdesqueHere(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  const out = (text: string) => {
    stdout += text;
  };
  const err = (text: string) => {
    stderr += text;
  };
  const program = new Command('lambdesque').exitOverride().configureOutput({ writeOut: out, writeErr: err });
  addInspector(program, env);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((...parts) => out(`${format(...parts)}\n`)),
    vi.spyOn(console, 'error').mockImplementation((...parts) => err(`${format(...parts)}\n`)),
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out(String(text));
      return true;
    }),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await program.parseAsync(args, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), stdout, stderr };
  } catch (error) {
    const code = tellError(error);
    return { code, stdout, stderr };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
