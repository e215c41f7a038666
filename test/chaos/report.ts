import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../bench/report.ts';
import type { Violation } from './accounts.ts';
import type { WholeResult } from './whole.ts';

/** How many violations are told in full; more of them say the same. */
const TOLD = 20;

/** What was counted, as tables. */
export function summaryOf(result: WholeResult): string {
  const { tallies, faults, violations, failedUnstarted, unsureTaken, deaths, fleet } = result;
  const sum = (pick: (tally: (typeof tallies)[number]) => number) => tallies.reduce((all, one) => all + pick(one), 0);
  const count = (pattern: RegExp) => violations.filter(({ what }) => pattern.test(what)).length;
  const network = new Map<string, number>();
  for (const { met } of fleet.proxies)
    for (const [fault, times] of met) network.set(fault, (network.get(fault) ?? 0) + times);
  const facts: readonly (readonly [string, number])[] = [
    ['jobs', sum(({ jobs }) => jobs)],
    ['of these, pushes that were answered with an error', sum(({ unsure }) => unsure)],
    ['and of these, taken by Redis all the same', unsureTaken],
    ['processes', fleet.lives.length],
    ['processes that died', deaths],
    ['lost jobs', count(/: lost$|never ended/)],
    ['run again without a death', count(/^ran again although/)],
    ['delivered more than once against the promise', count(/at most once was promised/)],
    ['in failed at most once, without a start', failedUnstarted],
    ['violations in all', violations.length],
  ];
  return [
    table(tallies.toSorted((a, b) => b.jobs - a.jobs).map((one) => ({ ...one }))),
    table(
      [...faults].map(([fault, times]) => ({
        fault,
        dealt: times,
        ...(network.has(fault) ? { met: network.get(fault) ?? 0 } : {}),
      })),
    ),
    table(facts.map(([what, figure]) => ({ what, figure }))),
  ].join('\n\n');
}

/** Writes the evidence of each violation into the run's folder. @returns the file */
export function writeEvidence(folder: string, result: WholeResult): string {
  const file = join(folder, 'violations.txt');
  const { violations, log, excuses, fleet } = result;
  const lines = readFileSync(log.path, 'utf8').split('\n');
  for (const { what, id } of violations.slice(0, TOLD)) {
    appendFileSync(file, `${id ?? 'All'} ${what}\n`);
    if (id === undefined) continue;
    const own = lines.filter((line) => line.split(' ')[3] === id);
    const pids = new Set(own.map((line) => Number(line.split(' ')[1])));
    const about = excuses.filter(({ pid }) => pids.has(pid)).sort((a, b) => a.at - b.at);
    const names = fleet.lives
      .filter(({ pid }) => pids.has(pid))
      .map(({ pid, name, output }) => `${pid} ${name} ${output}`);
    for (const line of [
      ...own,
      ...about.map(({ pid, at, kind, what: text }) => `${kind} ${pid} ${at} ${text}`),
      ...names,
    ]) {
      appendFileSync(file, `    ${line}\n`);
    }
    appendFileSync(
      file,
      outputOf(
        id,
        fleet.lives.filter(({ pid }) => pids.has(pid)).map(({ output }) => output),
      ),
    );
  }
  if (violations.length > TOLD)
    appendFileSync(file, `\nand without their evidence:\n${violations.slice(TOLD).map(text).join('\n')}\n`);
  return file;
}

export const text = ({ id, what }: Violation): string => (id === undefined ? what : `${id} ${what}`);

/** The lines of these files that name the job. */
function outputOf(id: string, files: readonly string[]): string {
  const named = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes(`"id":"${id}"`)),
  );
  return named.map((line) => `    ${line}\n`).join('');
}
