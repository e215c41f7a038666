/** `npm run bench -- <name> [--quick] [--json <path>]`: runs one benchmark, prints its table and writes its figures. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Bench, table } from './report.ts';

/** A benchmark is a file beside this one whose `bench` gives rows of figures. */
const benches: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  delayed: () => import('./delayed.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string' } },
});
const load = benches[positionals[0] ?? ''];
if (!load) {
  console.error(`Usage: npm run bench -- <${Object.keys(benches).join('|')}> [--quick] [--json <path>]`);
  process.exit(1);
}
const { bench } = await load();
const report = await bench({ quick: values.quick });
console.log(`\n${report.title}\n${report.notes.map((note) => `  ${note}\n`).join('')}\n${table(report.rows)}`);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, undefined, 2)}\n`);
