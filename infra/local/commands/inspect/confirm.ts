import { createInterface } from 'node:readline/promises';
import { ConfigError, LambdesqueError } from '../../../../shared/index.ts';
import { printable } from '../../terminal-text.ts';

export interface ConfirmFlags {
  readonly yes?: true;
}

/**
 * Asks before what cannot be undone; anything but `y` or `yes` is a no.
 * @param question without its question mark
 * @throws ConfigError where there is nobody to ask  @throws LambdesqueError for a no: nothing was done
 */
export async function confirm(question: string, { yes }: ConfirmFlags): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new ConfigError(
      `This cannot be undone, and there is no terminal to ask: ${question}? Give --yes if that is what you want.`,
    );
  }
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C and the end of the input are a no.
  const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
  try {
    const answer = await Promise.race([lines.question(`${printable(question)}? [y/N] `), closed]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new LambdesqueError('Nothing was done.');
  } finally {
    lines.close();
  }
}
