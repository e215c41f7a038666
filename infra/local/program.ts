import { createRequire } from 'node:module';
import { Command, Option } from 'commander';
import { consumerDefaults } from '../../functions/contract/consumer-defaults.ts';
import { environment as env, workerDefaults } from '../../shared/internal.ts';
import { cost } from './commands/cost.ts';
import { dashboard } from './commands/dashboard.ts';
import { demo } from './commands/demo.ts';
import { dev } from './commands/dev.ts';
import { enqueue } from './commands/enqueue.ts';
import { init } from './commands/init.ts';
import { addInspector } from './commands/inspect/index.ts';
import { start } from './commands/start.ts';
import { tickOnce } from './commands/tick.ts';
import { work } from './commands/work.ts';
import { defaultCron } from './cron.ts';
import { address, amount, duration, isoTime, jobClass, milliseconds, wholeNumber } from './flag-values.ts';
import { withHint } from './hints.ts';
import { defaultJobs } from './jobs.ts';
import { examples, redisOptions } from './redis-options.ts';
import { shardOption } from './shards.ts';

// By its name: the compiled file lies elsewhere.
const own: { readonly version: string } = createRequire(import.meta.url)('lambdesque/package.json');

/** All that can be asked for. It throws what went wrong, and ends nothing: main.ts does. */
export const program = new Command('lambdesque').description(
  'Resque queues, run by AWS Lambda; here, on this machine.',
);
program.version(own.version).exitOverride().showHelpAfterError('(--help shows what is allowed)');

program
  .command('demo')
  .description("a job's whole life in ten seconds")
  .addHelpText('after', examples('lambdesque demo', 'REDIS_URL=redis://localhost:6379/ lambdesque demo'))
  .action(() => demo(env));

program
  .command('init')
  .description('make a project: job, test, stack')
  .argument('[folder]', 'an empty one, or a new one', '.')
  .addHelpText('after', examples('lambdesque init', 'lambdesque init my-jobs'))
  .action((folder) => init(folder, own.version));

program
  .command('start')
  .description('worker and scheduler on a local Redis')
  .option('--jobs <module>', 'job classes', defaultJobs)
  .option('--cron <module>', `cron entries (${defaultCron})`)
  .addHelpText('after', examples('lambdesque start', 'lambdesque start --jobs ./src/jobs.ts --cron ./src/cron.ts'))
  .action((flags) => start(flags, env));

program
  .command('dev')
  .description('as start; restarts when a job changes')
  .option('--jobs <module>', 'job classes', defaultJobs)
  .option('--cron <module>', `cron entries (${defaultCron})`)
  .addHelpText('after', examples('lambdesque dev', 'lambdesque dev --jobs ./src/jobs.ts'))
  .action((flags) => dev(flags, env));

shardOption(redisOptions(program.command('work')))
  .description('drain queues, until a signal')
  .option('--queues <list>', 'a,b in order; a=3,b=1 by weight; *, globs, !name')
  .option('--jobs <module>', 'job classes', defaultJobs)
  .addOption(
    new Option('--interval <time>', 'between looks if Redis does not tell')
      .argParser(duration(1))
      .default(workerDefaults.interval, '5s'),
  )
  .addOption(
    new Option('--concurrency <n>', 'jobs at once; 1 is strictly serial')
      .argParser(wholeNumber)
      .default(workerDefaults.concurrency),
  )
  .option('--serial <list>', 'of these, one job at a time in all workers')
  .addOption(
    new Option('--limit <queue=n>', 'at once or in a time, all workers: q=2,100/1m').argParser(
      (text: string, before: readonly string[] = []) => [...before, text],
    ),
  )
  .option('--exit-on-complete', 'end when the queues are empty, or paused')
  .option('--scheduler', 'also delayed jobs, retries, cron; reclaim')
  .option('--cron <module>', `its entries (${defaultCron})`)
  .addOption(new Option('--failed-max <n>', 'failed jobs it keeps').argParser(wholeNumber))
  .addOption(new Option('--failed-age <time>', 'and for how long').argParser(duration(1_000)))
  .addOption(
    new Option('--lease <time>', 'silence until jobs go to others')
      .argParser(duration(1_000))
      .default(workerDefaults.lease, '60s'),
  )
  .addOption(
    new Option('--shutdown-timeout <time>', 'for running jobs after a signal')
      .argParser(duration())
      .default(workerDefaults.shutdownTimeout, '8s'),
  )
  .addOption(new Option('--unknown-class <what>', 'to do').choices(['fail', 'release']).default('fail', 'fail'))
  .option('--strict', 'queues in order, even with weights')
  .addOption(new Option('--weighted', 'queues by weight, even without').conflicts('strict'))
  .addOption(new Option('--metrics <address>', 'for Prometheus, at /metrics: :9464').argParser(address))
  .option('--no-use-number', 'long integers as doubles, not bigint')
  .option('--log-args', 'put arguments into the log')
  .addOption(new Option('--connections <n>').hideHelp())
  .option('--tracing', 'by the @opentelemetry/api installed here')
  .addHelpText(
    'after',
    `${examples(
      'lambdesque work --queues critical,default --scheduler',
      'lambdesque work --redis a=redis://one --redis b=redis://two --queues default',
    )}
As a service: infra/local/README.md has recipes and what each signal does.`,
  )
  .action((flags) => work(flags, env));

redisOptions(program.command('dashboard'))
  .description('a page in the browser for all of this')
  .option('--host <address>', 'other than 127.0.0.1; needs a password [3]')
  .addOption(new Option('--port <n>', 'where it listens (7377, or one that is free)').argParser(wholeNumber))
  .option('--password-file <path>', 'file with the password to ask for [3]')
  .option('--metrics-token-file <path>', "file with Prometheus's bearer token [4]")
  .option('--jobs-key-file <path>', 'file with the key that signs POST /jobs [5]')
  .option('--read-only', 'refuse every change')
  .addOption(new Option('--memory <MB>', 'show costs as if jobs ran on Lambda').argParser(wholeNumber))
  .option('--jobs <module>', 'job classes, for queues of cron entries', defaultJobs)
  .option('--cron <module>', `cron entries (${defaultCron})`)
  .addHelpText(
    'after',
    `[3] or env LAMBDESQUE_DASHBOARD_PASSWORD
[4] or env LAMBDESQUE_METRICS_TOKEN; without one /metrics is behind the sign-in
[5] or env LAMBDESQUE_JOBS_KEY; without one no jobs are taken
${examples('lambdesque dashboard', 'lambdesque dashboard --uri redis://cache:6379/2 --read-only')}`,
  )
  .action((flags) => dashboard(flags, env));

redisOptions(program.command('enqueue'))
  .description('push one job')
  .argument('<class>', 'job class')
  .argument('[args...]', 'its arguments, as strings')
  .option('--queue <name>', "queue (the job definition's)")
  .option('--json', 'each argument is JSON')
  .addOption(new Option('--in <time>', 'due after this time').argParser(duration()))
  .addOption(new Option('--at <time>', 'due at this time, ISO 8601 with zone').argParser(isoTime).conflicts('in'))
  .option('--no-metadata', 'without id: Resque.dequeue can find it')
  .option('--jobs <module>', 'job classes, for queue and schema', defaultJobs)
  .addHelpText(
    'after',
    examples(
      'lambdesque enqueue Hello hi there',
      `lambdesque enqueue Report --json '{"month":7}' --queue reports --in 1h`,
    ),
  )
  .action((name, args, flags) => enqueue(name, args, flags, env));

redisOptions(program.command('tick'))
  .description('promote what is due, reclaim; once')
  .option('--jobs <module>', 'job classes, for queues of delayed jobs that name none', defaultJobs)
  .option('--cron <module>', `cron entries (${defaultCron})`)
  .addOption(new Option('--failed-max <n>', 'failed jobs to keep').argParser(wholeNumber))
  .addOption(new Option('--failed-age <time>', 'and for how long').argParser(duration(1_000)))
  .addHelpText('after', examples('lambdesque tick', 'lambdesque tick --uri redis://cache:6379/2 --cron ./src/cron.ts'))
  .action((flags) => tickOnce(flags, env));

program
  .command('cost')
  .description('what a month costs, before you deploy')
  .addOption(new Option('--jobs-per-day <n>', 'how many jobs: 1000000, 1e6').argParser(amount).makeOptionMandatory())
  .addOption(
    new Option('--ms <time>', 'how long a handler runs, ms or with a unit').argParser(milliseconds).default(50),
  )
  .addOption(new Option('--class <name>', 'of a class: Report, Report=1e5,200; repeatable').argParser(jobClass))
  .option('--app <path>', 'a CDK app, or its cdk.out: consumers as it has them')
  .option('--system <path>', "of several in the app: the construct's path")
  .addOption(
    new Option('--memory <MB>', 'without --app: of a consumer')
      .argParser(wholeNumber)
      .default(consumerDefaults.memory)
      .conflicts('app'),
  )
  .addOption(
    new Option('--concurrency <n>', 'without --app')
      .argParser(wholeNumber)
      .default(workerDefaults.concurrency)
      .conflicts('app'),
  )
  .addOption(
    new Option('--max-workers <n>', 'without --app')
      .argParser(wholeNumber)
      .default(consumerDefaults.maxWorkers)
      .conflicts('app'),
  )
  .option('--json', 'for programs')
  .addHelpText(
    'after',
    examples(
      'lambdesque cost --jobs-per-day 1e6 --ms 50',
      'lambdesque cost --jobs-per-day 1e6 --app infra/app.ts --class Report=500,30s --class Mail',
    ),
  )
  .action((flags) => cost(flags));

addInspector(program, env);

program.addHelpText('after', examples('lambdesque demo', 'lambdesque dev', 'lambdesque work --help'));
for (const command of [program, ...program.commands, ...program.commands.flatMap((noun) => noun.commands)]) {
  command.configureOutput({ outputError: (text, write) => write(withHint(text, command)) });
}
