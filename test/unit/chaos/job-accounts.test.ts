import { describe, expect, test } from 'vitest';
import { account, type BrokenPromise, type Evidence } from '../../chaos/job-accounts.ts';
import type { ChaosClass, PushedJob } from '../../chaos/plan.ts';
import type { Excuse } from '../../chaos/rerun-reasons.ts';
import type { FailedJob } from '../../helpers/chaos-bed.ts';
import type { Run } from '../../helpers/chaos-log.ts';

/** Runs as `pid attempt start-end`, or `start-` where the process died first; `!` behind it where the handler threw. */
function runsOf(id: string, ...texts: readonly string[]): Run[] {
  return texts.map((text, i) => {
    const [, pid, attempt, from, to, threw] = /^(\d+) (\d+) (\d+)-(\d*)(!?)$/.exec(text) ?? [];
    const run: Run = { id, pid: Number(pid), attempt: Number(attempt), startedAt: Number(from), line: 10 * i };
    return to ? { ...run, end: { well: !threw, at: Number(to), line: 10 * i + 5 } } : run;
  });
}

interface Given {
  readonly class?: ChaosClass;
  readonly runs?: readonly string[];
  readonly job?: Partial<PushedJob>;
  /** Exception and message of each entry in the failed list. */
  readonly failed?: readonly string[];
  readonly excuses?: readonly Excuse[];
  readonly holders?: readonly number[];
  readonly marked?: boolean;
}

function judge(given: Given): BrokenPromise[] {
  const { class: name = 'Succeed', runs = [], failed = [], excuses = [], holders = [], marked = false } = given;
  const id = 'j1';
  const job: PushedJob = {
    id,
    class: name,
    work: ['noop'],
    queue: 'a',
    way: 'push',
    seconds: 0,
    unsure: false,
    dueAt: 0,
  };
  const evidence: Evidence = {
    jobs: [{ ...job, ...given.job }],
    runs: new Map(runs.length > 0 ? [[id, runsOf(id, ...runs)]] : []),
    failed: failed.map((reason): FailedJob => {
      const [exception = '', error = ''] = reason.split(': ');
      return { id, exception, error, queue: 'a', text: '' };
    }),
    excuses,
    holders: () => holders,
    isMarked: () => marked,
  };
  return account(evidence).violations.map(({ promise }) => promise);
}

const died = (pid: number, at: number): Excuse => ({ pid, kind: 'died', at, what: 'SIGKILL', late: 0 });
const DEATH = 'WorkerDiedError: its worker died';

describe('the accounts of chaos find nothing wrong with', () => {
  test.each<[string, Given]>([
    ['one run', { runs: ['1 1 100-200'] }],
    ['a rerun after a death', { runs: ['1 1 100-', '2 1 400-500'], excuses: [died(1, 200)] }],
    ['a rerun of what had ended before a death', { runs: ['1 1 100-200', '2 1 400-500'], excuses: [died(1, 300)] }],
    ['a retry', { class: 'Flaky', runs: ['1 1 100-200!', '2 2 1200-1300'] }],
    [
      'a job that failed as often as it may',
      { class: 'Fail', runs: ['1 1 100-100!', '1 2 100-100!', '1 3 1100-1100!'], failed: ['Error: fails every time'] },
    ],
    [
      'one that asked for no retry',
      { class: 'Skip', runs: ['1 1 1-2!'], failed: ['SkipRetry: no use in trying again'] },
    ],
    ['a discarded one', { class: 'Drop', runs: ['1 1 1-2!'] }],
    [
      'three deaths',
      { runs: ['1 1 1-'], failed: [DEATH], holders: [1, 2, 3], excuses: [1, 2, 3].map((n) => died(n, 9)) },
    ],
    [
      'a single start and a death',
      { class: 'Once', runs: ['1 1 1-'], failed: [DEATH], holders: [1], excuses: [died(1, 9)] },
    ],
    ['a mark and a death', { class: 'Once', failed: [DEATH], holders: [1], marked: true, excuses: [died(1, 9)] }],
    ['a push that was refused', { job: { unsure: true } }],
    [
      'a run of a worker that had lost it, behind that of the next one',
      {
        runs: ['1 1 20100-20200', '2 1 20400-20500'],
        excuses: [{ pid: 2, kind: 'reclaimed', at: 20_050, what: 'by 3', late: 0 }],
      },
    ],
    ['a delayed job on time', { runs: ['1 1 100-200'], job: { dueAt: 100 } }],
  ])('%s', (_what, given) => {
    expect(judge(given)).toEqual([]);
  });
});

describe('the accounts of chaos find', () => {
  test.each<[BrokenPromise, string, Given]>([
    ['none is lost', 'a job without any run', {}],
    ['none is lost', 'a job that never ended', { runs: ['1 1 100-'] }],
    ['none is lost', 'a failing job that is not in failed', { class: 'Skip', runs: ['1 1 1-2!'] }],
    ['none is lost', 'a retry that never came', { class: 'Flaky', runs: ['1 1 100-200!'] }],
    [
      'none runs twice without a death',
      'a rerun of a worker that lost its lease long before',
      {
        runs: ['1 1 20100-20200', '2 1 20400-20500'],
        excuses: [{ pid: 2, kind: 'reclaimed', at: 50, what: 'by 3', late: 0 }],
      },
    ],
    ['none runs twice without a death', 'a rerun', { runs: ['1 1 100-200', '2 1 400-500'] }],
    [
      'none runs twice without a death',
      'a rerun that a later death does not explain',
      { runs: ['1 1 100-200', '2 1 400-500'], excuses: [died(1, 450), died(2, 300)] },
    ],
    [
      'none runs twice without a death',
      'a rerun that an earlier death does not explain',
      { runs: ['1 1 100-200', '2 1 400-500'], excuses: [died(1, 50)] },
    ],
    [
      'none runs twice without a death',
      'two retries after one failure',
      { class: 'Flaky', runs: ['1 1 100-200!', '2 2 1200-1300', '3 2 1250-1350'] },
    ],
    [
      'at most once is at most once',
      'a second start, even after a death',
      { class: 'Once', runs: ['1 1 100-', '2 1 400-500'], excuses: [died(1, 200)] },
    ],
    [
      'deaths are not attempts',
      'an attempt that no failure asked for',
      { class: 'Flaky', runs: ['1 1 100-', '2 2 400-500'], excuses: [died(1, 200)] },
    ],
    ['none starts early', 'a delayed job', { runs: ['1 1 99-200'], job: { dueAt: 100 } }],
    ['none starts early', 'a retry', { class: 'Flaky', runs: ['1 1 100-200!', '2 2 1199-1300'] }],
    [
      'once in failed at most',
      'two entries',
      { class: 'Skip', runs: ['1 1 1-2!'], failed: Array(2).fill('SkipRetry: no use in trying again') },
    ],
    [
      'in failed for its own reason only',
      'an innocent',
      { runs: ['1 1 1-2'], failed: [DEATH], holders: [1, 2], excuses: [died(1, 9), died(2, 9)] },
    ],
    [
      'in failed for its own reason only',
      'an error too soon',
      { class: 'Fail', runs: ['1 1 1-2!'], failed: ['Error: fails every time'] },
    ],
    [
      'in failed for its own reason only',
      'what was never about to start',
      { class: 'Once', failed: [DEATH], holders: [1], excuses: [died(1, 9)] },
    ],
  ])('%s: %s', (promise, _what, given) => {
    expect(judge(given)).toEqual([promise]);
  });

  test('a serial queue that lost its order, and jobs that nobody pushed', () => {
    const job = (id: string): PushedJob => ({
      id,
      class: 'Succeed',
      work: ['noop'],
      queue: 'ledger',
      way: 'push',
      seconds: 0,
      unsure: false,
      dueAt: 0,
    });
    const run = (id: string, line: number): [string, Run[]] => [
      id,
      [{ id, pid: 1, attempt: 1, startedAt: line, line, end: { well: true, at: line, line: line + 1 } }],
    ];
    const evidence: Evidence = {
      jobs: [job('j1'), job('j2')],
      runs: new Map([run('j1', 30), run('j2', 10), run('x', 20)]),
      failed: [],
      excuses: [],
      holders: () => [],
      isMarked: () => false,
    };
    expect(account(evidence).violations.map(({ promise }) => promise)).toEqual([
      'nothing runs that nobody pushed',
      'a serial queue keeps its order',
    ]);
  });
});
