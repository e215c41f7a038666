import { styleText } from 'node:util';
import type { Command } from 'commander';
import { doctorOver, type Examination, type Finding } from '../../../../shared/internal.ts';
import type { Env } from '../../redis/install.ts';
import { examples, redisOptions } from '../../redis-options.ts';
import { printable, terminalWidth, wrap } from '../../terminal-text.ts';
import { type InspectFlags, type Inspection, inspect } from './noun.ts';

interface DoctorFlags extends InspectFlags {
  readonly fix?: boolean;
}

const STYLES = { error: 'red', warning: 'yellow', notice: 'cyan' } as const;
const INDENT = 9;
/** Where there is no terminal, lines are not broken. */
const NO_TERMINAL = 10_000;

/** `lambdesque doctor`. */
export function addDoctor(program: Command, env: Env): void {
  redisOptions(program.command('doctor'))
    .description('what is wrong in a Redis; what mends it')
    .option('--fix', 'mend what is safe to mend')
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples('lambdesque doctor', 'lambdesque doctor --fix'))
    .action((flags: DoctorFlags) => inspect(flags, env, (inspection) => doctor(flags, inspection)));
}

async function doctor({ fix = false }: DoctorFlags, { out, backend }: Inspection): Promise<void> {
  const found = await doctorOver(backend.redis, backend.namespace).examine({ fix });
  if (found.findings.some((one) => !one.fixed) || found.unchecked.length > 0) process.exitCode = 1;
  if (out.json) {
    for (const finding of found.findings) out.object(finding);
    for (const one of found.unchecked) out.object({ ...one, unchecked: true });
    return;
  }
  const width = (process.stdout.isTTY ? terminalWidth() : NO_TERMINAL) - INDENT;
  for (const finding of found.findings) console.log(`${lines(finding, width).join('\n')}\n`);
  for (const { check, error } of found.unchecked) console.log(printable(`Not checked: ${check}. ${error}\n`));
  console.log(summary(found, backend.redis.address, fix));
}

function lines({ severity, problem, meaning, remedy, fixed }: Finding, width: number): string[] {
  const [first = '', ...more] = wrap(printable(problem), width);
  const rest = [...more, ...wrap(printable(meaning), width), ...wrap(printable(`To mend it: ${remedy}`), width)];
  if (fixed !== undefined) rest.push(fixed > 0 ? `Mended: ${fixed}.` : 'Not mended: it has changed meanwhile.');
  const start = styleText(STYLES[severity], severity.padEnd(INDENT));
  return [`${start}${first}`, ...rest.map((line) => `${' '.repeat(INDENT)}${line}`)];
}

function summary({ findings, checks, complete }: Examination, address: string, fix: boolean): string {
  const looked = `${checks.length} checks of Redis at ${address}`;
  const part = complete ? '' : ' Of its keys, only the first 100,000 were looked at.';
  if (findings.length === 0) return `${looked}: nothing is wrong.${part}`;
  const mendable = findings.filter((one) => one.fixable).length;
  const mended = findings.filter((one) => one.fixed).length;
  const how = fix ? `${mended} mended.` : mendable > 0 ? `--fix mends ${mendable} of them.` : '';
  return `${looked}: ${findings.length === 1 ? '1 finding' : `${findings.length} findings`}. ${how}${part}`.trimEnd();
}
