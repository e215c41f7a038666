/**
 * `npm run bench -- [name…] [--quick] [--json <path>]`: runs benchmarks, all where none is named, prints their tables and
 * writes their figures. It fails where something did not work, such as a job that did not run once; never for a time.
 * README.md beside this file says what each of them shows.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { startBed } from './bed.ts';
import { machine } from './machine.ts';
import { benchOf, type Options, optionsOf, usage } from './options.ts';
import { type BenchReport, barsTable, type Section, table } from './report.ts';
import { UsageError } from './usage-error.ts';

const { quick, json, names, selection, against } = options();
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
    const bench = await benchOf(name, against);
    const report = await bench?.({ quick, bed, selection, ...(against === undefined ? {} : { against }) });
    if (!report) return;
    const seconds = Math.round((performance.now() - began) / 100) / 10;
    reports.push({ name, seconds, ...report });
    print(report, ` (${seconds} s)`);
    for (const section of report.also ?? []) print(section);
  } catch (error) {
    broken.push(name);
    console.error(`\n${name} did not work:`, error);
  }
}

function print({ title, notes, rows }: Section, behindTitle = ''): void {
  if (rows.length === 0) return;
  console.log(`\n${title}${behindTitle}\n${notes.map((note) => `  ${note}\n`).join('')}\n${table(rows)}`);
}

function options(): Options {
  try {
    return optionsOf(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n${usage}`);
    process.exit(1);
  }
}
