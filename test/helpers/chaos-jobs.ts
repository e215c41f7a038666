/**
 * Job classes for workers under chaos (`work --jobs`). Every handler writes its start and its end into the RunLog that
 * `CHAOS_LOG` names. A job's arguments are its id, and what its handler does: `noop`, `wait` or `spin` for so many ms.
 */
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Discard, type Duration, defineJob, type JobContext, type JobOptions, SkipRetry } from 'lambdesque';
import { featureJobs } from './chaos-feature-jobs.ts';
import { RunLog } from './chaos-log.ts';
import { type PoisonKind, poisons } from './chaos-poisons.ts';

const path = process.env['CHAOS_LOG'];
if (!path) throw new Error('CHAOS_LOG must name the file that runs are written to.');
const log = new RunLog(path);

type Options = Omit<JobOptions<readonly unknown[], readonly unknown[]>, 'perform'> & {
  readonly delivery?: 'at-least-once' | 'at-most-once';
};

/** A class whose handler writes down its start, works, and ends as `end` says: by an error, or well. */
function job(options: Options, end: (ctx: JobContext) => Error | undefined = () => undefined) {
  return defineJob({
    ...options,
    perform([given, kind, ms], ctx) {
      const id = String(given);
      const { attempt } = ctx.job;
      log.mark('S', process.pid, id, attempt);
      const finish = () => {
        const error = end(ctx);
        log.mark(error ? 'F' : 'E', process.pid, id, attempt);
        if (error) throw error;
      };
      if (kind === 'wait') return delay(Number(ms)).then(finish);
      if (kind === 'spin') spin(Number(ms));
      return finish();
    },
  });
}

function spin(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

const Succeed = job({ class: 'Succeed' });
/** Like Succeed, but nothing may be held against it more than once. */
const OneAttempt = job({ class: 'OneAttempt', retry: { attempts: 1 } });
const Flaky = job({ class: 'Flaky', retry: { attempts: 10, backoff: '1s' } }, ({ job: { attempt } }) =>
  attempt === 1 ? new Error('fails the first time') : undefined,
);
const Fail = job({ class: 'Fail', retry: { attempts: 3, backoff: [0, '1s'] } }, () => new Error('fails every time'));
const Skip = job({ class: 'Skip' }, () => new SkipRetry('no use in trying again'));
const Drop = job({ class: 'Drop' }, () => new Discard('not wanted any more'));
const Once = job({ class: 'Once', delivery: 'at-most-once', retry: { attempts: 1 } });
const OnceFail = job(
  { class: 'OnceFail', delivery: 'at-most-once', retry: { attempts: 1 } },
  () => new Error('fails the only time'),
);

/** Goes on, and ends well or by an error, when the file exists that its second argument names. */
const gated = (className: string, backoff: Duration, fails: (attempt: number) => boolean) =>
  defineJob({
    class: className,
    retry: { attempts: 2, backoff },
    async perform([given, gate], ctx) {
      const id = String(given);
      const { attempt } = ctx.job;
      log.mark('S', process.pid, id, attempt);
      while (!existsSync(String(gate))) await delay(5);
      log.mark(fails(attempt) ? 'F' : 'E', process.pid, id, attempt);
      if (fails(attempt)) throw new Error('fails behind its gate');
    },
  });
const Gated = gated('Gated', 0, () => false);
const GatedFlaky = gated('GatedFlaky', '1s', (attempt) => attempt === 1);
const GatedFail = gated('GatedFail', '1s', () => true);

/** Two attempts, one at once after the other: what an engine can tell from a death costs none, anything else two. */
const Poison = defineJob({
  class: 'Poison',
  retry: { attempts: 2, backoff: 0 },
  perform([given, kind], ctx) {
    log.mark('S', process.pid, String(given), ctx.job.attempt);
    return poisons[kind as PoisonKind]();
  },
});

export default [
  ...[Succeed, OneAttempt, Flaky, Fail, Skip, Drop, Once, OnceFail, Gated, GatedFlaky, GatedFail, Poison],
  ...featureJobs((mark, id, attempt) => log.mark(mark, process.pid, id, attempt)),
];
