/** How fast jobs that do nothing go through. */
import { all, type Contender, type ContenderName, ours, settingsNote, withContenders } from './contenders.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds } from './rounds.ts';

const JOBS = { quick: 400, full: 60_000 };
/** One at a time, some take long. */
const JOBS_ONE = { quick: 200, full: 10_000 };
const CONCURRENCIES = { quick: [1, 100], full: [1, 25, 100] };

interface Case {
  readonly name: ContenderName;
  readonly concurrency: number;
  readonly log: 'on' | 'off' | '';
  readonly jobs: number;
  run(): Promise<number>;
}

export const bench: Bench = async ({ quick, bed }) => {
  const mode = quick ? 'quick' : 'full';
  const caseOf = ({ name, rate }: Contender, concurrency: number, log: Case['log']): Case => ({
    name,
    concurrency,
    log,
    jobs: (concurrency === 1 ? JOBS_ONE : JOBS)[mode],
    run() {
      return rate({ jobs: this.jobs, concurrency, logRuns: log === 'on' });
    },
  });
  const results = await withContenders(bed, all, (contenders) => {
    const cases = CONCURRENCIES[mode].flatMap((concurrency) =>
      contenders.flatMap((one) => {
        const logs = ours.includes(one.name) ? (['off', 'on'] as const) : ([''] as const);
        return logs.map((log) => caseOf(one, concurrency, log));
      }),
    );
    return rounds(cases, { quick });
  });

  const rate = (name: ContenderName, concurrency = 100) =>
    results.find((one) => one.name === name && one.concurrency === concurrency && one.log !== 'on')?.median ?? 0;
  const [tcp, rest, bullmq] = [rate('Lambdesque TCP'), rate('Lambdesque REST'), rate('BullMQ')];
  return {
    title: 'Drain',
    notes: [
      'jobs that do nothing, queued before; from the start of connected workers to the last job settled',
      'each contender in a process of its own, in turns; median, lowest and highest rate',
      ...settingsNote,
    ],
    rows: results.map(({ name, concurrency, log, jobs, ...figures }) => ({
      concurrency,
      jobs,
      contender: name,
      log,
      'jobs/s': Math.round(figures.median),
      'min – max': range(figures),
      '× BullMQ': figures.median / rate('BullMQ', concurrency),
      '× node-resque': figures.median / rate('node-resque', concurrency),
    })),
    bars: [
      atLeast('drain over TCP, concurrency 100, log off, against BullMQ', 8, tcp / bullmq, { unit: ' ×' }),
      atLeast('drain over TCP, concurrency 100, log off, against node-resque', 20, tcp / rate('node-resque'), {
        unit: ' ×',
      }),
      atLeast('drain over REST, concurrency 100, log off, against BullMQ over TCP', 2, rest / bullmq, { unit: ' ×' }),
    ],
  };
};
