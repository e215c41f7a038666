/**
 * `npm run chaos -- [whole|poison|serial|at-most-once] [--jobs 20000] [--seed n] [--minutes m] [--rounds n] [--only text]
 * [--quick] [--folder path] [--keep]`: breaks everything that can break while jobs run, and accounts for every job. Ends with 1, and
 * keeps the evidence, where a promise was not kept.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { summaryOf, textOf, writeEvidence } from './report.ts';
import { runScenes, type ScenesName } from './scenes.ts';
import { runWhole } from './whole.ts';

const option = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: option,
    seed: option,
    minutes: option,
    rounds: option,
    only: option,
    folder: option,
    quick: flag,
    keep: flag,
  },
});
const USAGE =
  'Usage: npm run chaos -- [whole|poison|serial|at-most-once] [--jobs n] [--seed n] [--minutes m] [--rounds n] ' +
  '[--only text] [--quick] [--folder path] [--keep]';
const whole = (name: 'jobs' | 'seed' | 'minutes' | 'rounds', or: number): number => {
  const value = values[name] === undefined ? or : Number(values[name]);
  if (Number.isInteger(value) && value >= 0) return value;
  console.error(`--${name} must be a whole number; got ${values[name]}.\n${USAGE}`);
  process.exit(2);
};
const NAMES: readonly string[] = ['whole', 'poison', 'serial', 'at-most-once'];
const [name = 'whole', ...more] = positionals;
if (!NAMES.includes(name) || more.length > 0) {
  console.error(USAGE);
  process.exit(2);
}
const quick = values.quick;
const jobs = whole('jobs', quick ? 1_500 : 20_000);
const firstSeed = whole('seed', Math.floor(Math.random() * 1_000_000));
const minutes = whole('minutes', 0);
const rounds = whole('rounds', 1);
const FOLDER = resolve(values.folder ?? 'dist/chaos');
const began = performance.now();
const seconds = () => ((performance.now() - began) / 1_000).toFixed(1);
const tell = (line: string) => console.log(`${seconds().padStart(6)} ${line}`);

let seed = firstSeed;
let ok = true;
do {
  tell(`${name}, seed ${seed}`);
  ok =
    name === 'whole'
      ? await wholeOnce()
      : await runScenes(name as ScenesName, { seed, rounds, only: values.only ?? '', folder: FOLDER, tell });
  seed++;
} while (ok && performance.now() - began < minutes * 60_000);
process.exit(ok ? 0 : 1);

async function wholeOnce(): Promise<boolean> {
  const folder = `${FOLDER}/whole-${seed}`;
  const result = await runWhole({ jobs, seed, quick, folder, tell });
  console.log(`\n${summaryOf(result)}\n`);
  const { violations } = result;
  if (violations.length > 0) {
    const file = writeEvidence(folder, result);
    console.error(textOf(violations));
    console.error(`\n${violations.length} violations with seed ${seed}; the evidence is in ${file}`);
  } else if (!values.keep) {
    rmSync(folder, { recursive: true, force: true });
  }
  return violations.length === 0;
}
