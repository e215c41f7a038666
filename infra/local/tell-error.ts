import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { ArgumentsError, ConfigError, LambdesqueError } from '../../shared/index.ts';
import { printable } from './terminal-text.ts';

/** Says what went wrong, on standard error. @returns the exit code: 2 for a mistake in what was given, else 1 */
export function tellError(error: unknown): number {
  // commander has printed its own errors, and help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof LambdesqueError)) {
    console.error(error);
    return 1;
  }
  const lines = error.message.split('\n').map(printable);
  console.error(`${styleText('red', 'error:', { stream: process.stderr })} ${lines.join('\n')}`);
  return error instanceof ConfigError || error instanceof ArgumentsError ? 2 : 1;
}
