/** A command's life, from its arguments to its exit code. */
import { goFlags } from './go-flags.ts';
import { flushOutput, guardOutput } from './output.ts';
import { program } from './program.ts';
import { tellError } from './tell-error.ts';

// A log or a message that nobody takes must not end the work.
guardOutput();
try {
  await program.parseAsync(goFlags(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = tellError(error);
}
await flushOutput();
// What handlers left behind (timers, sockets) must not keep a process that has nothing more to do.
process.exit();
