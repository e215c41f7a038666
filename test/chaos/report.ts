import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../bench/report.ts';
import type { BrokenPromise, Violation } from './job-accounts.ts';
import type { WholeResult } from './whole.ts';

/** Of each broken promise, how many violations are told with their evidence; more of them say the same. */
const TOLD = 5;

/** What was counted, as tables. */
export function summaryOf(result: WholeResult): string {
  const { tallies, faults, violations, failedUnstarted, unsureTaken, deaths, fleet, features } = result;
  const sum = (pick: (tally: (typeof tallies)[number]) => number) => tallies.reduce((all, one) => all + pick(one), 0);
  const broken = (promise: BrokenPromise) => violations.filter((one) => one.promise === promise).length;
  const facts: readonly (readonly [string, number])[] = [
    ['jobs', sum(({ jobs }) => jobs)],
    ['of these, pushes that were answered with an error', sum(({ unsure }) => unsure)],
    ['and of these, taken by Redis all the same', unsureTaken],
    ...features.facts(),
    ['processes', fleet.lives.length],
    ['of these, died', deaths],
    ['lost', broken('none is lost')],
    ['run twice without a death', broken('none runs twice without a death')],
    ['at most once, and started twice', broken('at most once is at most once')],
    ['at most once, in failed without a start: marked, then its worker died', failedUnstarted],
    ['violations in all', violations.length],
  ];
  const met = new Map<string, number>();
  for (const proxy of fleet.proxies) {
    for (const [fault, times] of proxy.met) met.set(fault, (met.get(fault) ?? 0) + times);
  }
  return [
    table(tallies.toSorted((a, b) => b.jobs - a.jobs).map((one) => ({ ...one }))),
    // A fault of the network is dealt to a proxy, and met when something passes there next.
    table(
      [...faults].map(([fault, dealt]) => ({ fault, dealt, ...(isNetwork(fault) && { met: met.get(fault) ?? 0 }) })),
    ),
    table(facts.map(([what, figure]) => ({ what, figure }))),
  ].join('\n\n');
}

const isNetwork = (fault: string) => /-(request|reply)$/.test(fault);

/** Each broken promise with how often, and some of its violations. */
export function textOf(violations: readonly Violation[]): string {
  return [...Map.groupBy(violations, ({ promise }) => promise)]
    .map(([promise, own]) => [`BROKEN, ${own.length} times: ${promise}`, ...own.slice(0, TOLD).map(line)].join('\n'))
    .join('\n');
}

const line = ({ id, what }: Violation) => `  ${id === undefined ? '' : `${id}: `}${what}`;

/** Writes the evidence of violations into the run's folder. @returns the file */
export function writeEvidence(folder: string, { violations, log, excuses, fleet }: WholeResult): string {
  const file = join(folder, 'violations.txt');
  const runs = readFileSync(log.path, 'utf8').split('\n');
  for (const [promise, own] of Map.groupBy(violations, (one) => one.promise)) {
    appendFileSync(file, `${own.length} times: ${promise}\n`);
    for (const violation of own.slice(0, TOLD)) {
      const { id } = violation;
      appendFileSync(file, `${line(violation)}\n`);
      if (id === undefined) continue;
      const marks = runs.filter((one) => one.split(' ')[3] === id);
      const pids = new Set(marks.map((one) => Number(one.split(' ')[1])));
      const lives = fleet.lives.filter(({ pid }) => pids.has(pid));
      const evidence = [
        ...marks,
        ...excuses.filter(({ pid }) => pids.has(pid)).map(({ kind, pid, at, what }) => `${kind} ${pid} ${at} ${what}`),
        ...lives.map(({ pid, output }) => `process ${pid} wrote ${output}`),
        ...lives
          .flatMap(({ output }) => readFileSync(output, 'utf8').split('\n'))
          .filter((one) => one.includes(`"${id}"`)),
      ];
      appendFileSync(file, evidence.map((one) => `    ${one}\n`).join(''));
    }
  }
  return file;
}
