import { parseArgs } from 'node:util';
import { type Selection, selectionOf } from './far/selection.ts';
import type { Bench } from './report.ts';
import { UsageError } from './usage-error.ts';

/** A benchmark is a file beside this one whose `bench` gives rows of figures. */
export const benches: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  drain: () => import('./drain.ts'),
  enqueue: () => import('./enqueue.ts'),
  unique: () => import('./unique.ts'),
  slow: () => import('./slow.ts'),
  latency: () => import('./latency.ts'),
  commands: () => import('./commands.ts'),
  growth: () => import('./growth.ts'),
  start: () => import('./start.ts'),
  delayed: () => import('./delayed.ts'),
  autoscale: () => import('./autoscale.ts'),
  waiting: () => import('./waiting.ts'),
  soak: () => import('./soak.ts'),
  shards: () => import('./shards.ts'),
  far: () => import('./far.ts'),
};
/** In place of `drain` where there is a commit to compare with. */
const compare = () => import('./compare.ts');

export const usage = `Usage: npm run bench -- [${Object.keys(benches).join('|')}]… [--quick] [--json <path>]
       npm run bench -- far [--rtt <ms>,…] [--over tcp,rest] [--concurrency <n>,…] [--jobs noop,10ms,change,fair]
       npm run bench -- drain --against <commit>`;

export interface Options {
  readonly quick: boolean;
  /** Where the figures are written. */
  readonly json: string;
  readonly names: readonly string[];
  readonly selection: Selection;
  readonly against: string | undefined;
}

/** @param argv what stands after the program @throws UsageError */
export function optionsOf(argv: readonly string[]): Options {
  const { values, positionals } = parsed(argv);
  const unknown = positionals.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) throw new UsageError(`There is no benchmark ${JSON.stringify(unknown)}.`);
  const { quick, json, against, rtt, over, concurrency, jobs } = values;
  const selects = { rtt, over, concurrency, jobs };
  const only = (name: string) => positionals.length === 1 && positionals[0] === name;
  if (against !== undefined && !only('drain')) {
    throw new UsageError('--against compares the benchmark drain with another commit: name drain, and nothing else.');
  }
  for (const [option, value] of Object.entries(selects)) {
    if (value !== undefined && !only('far')) {
      throw new UsageError(`--${option} chooses rows of the benchmark far: name far, and nothing else.`);
    }
  }
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  return { quick, json, names, selection: selectionOf(selects), against };
}

export async function benchOf(name: string, against: string | undefined): Promise<Bench | undefined> {
  const load = against === undefined ? benches[name] : compare;
  return (await load?.())?.bench;
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string', default: 'dist/bench.json' },
        against: { type: 'string' },
        rtt: { type: 'string' },
        over: { type: 'string' },
        concurrency: { type: 'string' },
        jobs: { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
