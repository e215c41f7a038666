/**
 * `npm run bench -- [name…] [--quick] [--json <path>]`: runs benchmarks, all where none is named, prints their tables and
 * writes their figures. It fails where something did not work, such as a job that did not run once; never for a time.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { startBed } from './bed.ts';
import { machine } from './machine.ts';
import { type Bench, type BenchReport, barsTable, table } from './report.ts';

/** A benchmark is a file beside this one whose `bench` gives rows of figures. */
const benches: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  drain: () => import('./drain.ts'),
  enqueue: () => import('./enqueue.ts'),
  slow: () => import('./slow.ts'),
  latency: () => import('./latency.ts'),
  commands: () => import('./commands.ts'),
  growth: () => import('./growth.ts'),
  start: () => import('./start.ts'),
  delayed: () => import('./delayed.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, json: { type: 'string', default: 'dist/bench.json' } },
});
if (positionals.some((name) => !Object.hasOwn(benches, name))) {
  console.error(`Usage: npm run bench -- [${Object.keys(benches).join('|')}]… [--quick] [--json <path>]`);
  process.exit(1);
}
const { quick, json } = values;
const names = positionals.length > 0 ? positionals : Object.keys(benches);

const bed = await startBed({ quick });
const reports: (BenchReport & { readonly name: string; readonly seconds: number })[] = [];
const broken: string[] = [];
try {
  const facts = await machine(bed);
  const versions = Object.entries(facts.versions).map(([name, version]) => `${name} ${version}`);
  console.log(`${facts.cpus} × ${facts.model}, ${facts.memoryGB} GB; ${versions.join(', ')}`);
  for (const name of names) await run(name);
  const bars = reports.flatMap((report) => report.bars ?? []);
  if (bars.length > 0) {
    console.log(`\nBars${quick ? ' (a quick run says nothing about them)' : ''}\n\n${barsTable(bars)}`);
  }
  await mkdir(dirname(json), { recursive: true });
  const result = { date: new Date().toISOString(), quick, machine: facts, reports, bars, broken };
  await writeFile(json, `${JSON.stringify(result, undefined, 2)}\n`);
  console.log(`\nWritten to ${json}`);
} finally {
  await bed.stop();
}
if (broken.length > 0) {
  console.error(`\nDid not work: ${broken.join(', ')}`);
  process.exitCode = 1;
}

async function run(name: string): Promise<void> {
  const began = performance.now();
  try {
    const { bench } = (await benches[name]?.()) ?? {};
    const report = await bench?.({ quick, bed });
    if (!report) return;
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    reports.push({ name, seconds, ...report });
    const notes = report.notes.map((note) => `  ${note}\n`).join('');
    console.log(`\n${report.title} (${seconds} s)\n${notes}\n${table(report.rows)}`);
  } catch (error) {
    broken.push(name);
    console.error(`\n${name} did not work:`, error);
  }
}
