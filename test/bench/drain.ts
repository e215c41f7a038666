/** How fast jobs that do nothing go through. */
import { openAsynq } from './asynq.ts';
import { all, type Contender, type ContenderName, ours, settingsNote, withContenders } from './contenders.ts';
import { logToPipe } from './log-pipe.ts';
import { atLeast, type Bench } from './report.ts';
import { range, rounds } from './rounds.ts';

const JOBS = { quick: 200, full: 60_000 };
/** One at a time, some take long. */
const JOBS_ONE = { quick: 20, full: 10_000 };
/** Times as many, since a process starts for each run. */
const LINES = 4;
const CONCURRENCIES = { quick: [1, 100], full: [1, 25, 100] };

interface Case {
  readonly name: ContenderName | 'asynq' | 'lambdesque work';
  readonly concurrency: number;
  readonly log: 'on' | 'off' | 'to a pipe' | '';
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
  const asynq = await openAsynq(bed);
  const more = CONCURRENCIES[mode].flatMap((concurrency): Case[] => {
    const jobs = (concurrency === 1 ? JOBS_ONE : JOBS)[mode];
    const cases: Case[] = [];
    if (typeof asynq !== 'string') {
      cases.push({ name: 'asynq', concurrency, log: '', jobs, run: () => asynq.drain(jobs, concurrency) });
    }
    if (concurrency > 1) {
      const piped = jobs * LINES;
      const run = () => logToPipe(bed, piped, concurrency);
      cases.push({ name: 'lambdesque work', concurrency, log: 'to a pipe', jobs: piped, run });
    }
    return cases;
  });
  const results = await withContenders(bed, all, (contenders) => {
    const cases = CONCURRENCIES[mode].flatMap((concurrency) =>
      contenders.flatMap((one) => {
        const logs = ours.includes(one.name) ? (['off', 'on'] as const) : ([''] as const);
        return logs.map((log) => caseOf(one, concurrency, log));
      }),
    );
    return rounds([...cases, ...more], { quick });
  });

  const rate = (name: Case['name'], concurrency = 100) =>
    results.find((one) => one.name === name && one.concurrency === concurrency && one.log !== 'on')?.median ?? 0;
  const [tcp, rest, bullmq] = [rate('Lambdesque TCP'), rate('Lambdesque REST'), rate('BullMQ')];
  return {
    title: 'Drain',
    notes: [
      'jobs that do nothing, queued before; from the start of connected workers to the last job settled',
      'each contender in a process of its own, in turns; median, lowest and highest rate',
      ...settingsNote,
      typeof asynq === 'string' ? asynq : 'asynq: defaults, so that a completed task is removed; a process in Go',
      'to a pipe: the command, with a line of JSON for each run that another process reads; from the first line to the last',
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
      ...(typeof asynq === 'string' ? {} : { '× asynq': figures.median / rate('asynq', concurrency) }),
    })),
    bars: [
      atLeast('drain over TCP, concurrency 100, log off, against BullMQ', 8, tcp / bullmq, { unit: ' ×' }),
      atLeast('drain over TCP, concurrency 100, log off, against node-resque', 20, tcp / rate('node-resque'), {
        unit: ' ×',
      }),
      atLeast('drain over REST, concurrency 100, log off, against BullMQ over TCP', 2, rest / bullmq, { unit: ' ×' }),
      atLeast('drain over REST, concurrency 100, log off', 100_000, rest, { unit: '/s' }),
      atLeast('drain with a line for each run to a pipe, concurrency 100', 100_000, rate('lambdesque work'), {
        unit: '/s',
      }),
    ],
  };
};
