import { CfnQueryDefinition } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Consumer } from '../consumer.ts';
import type { Scheduler } from '../scheduler.ts';

/** Props of the saved queries. */
export interface QueriesProps {
  /** Those whose logs are searched. */
  readonly consumers: readonly Consumer[];
  /** @default its log is not searched */
  readonly scheduler?: Scheduler;
  /** The folder in Logs Insights that they are saved in. @default the path of the construct around this one */
  readonly folder?: string;
}

/** A saved query searches no more, the scheduler's included. */
const MOST_LOG_GROUPS = 50;

/** A run that ended, and not a line that a handler wrote. */
const RUNS = "filter ispresent(outcome) and outcome != 'released'";

/**
 * Saved Logs Insights queries over the line that each run writes. `Lambdesque` makes them.
 * @example new Queries(stack, 'Queries', { consumers: [consumer], folder: 'jobs' });
 */
export class Queries extends Construct {
  /** Which classes fail, how often, and of what. */
  readonly failuresByClass: CfnQueryDefinition;
  /** Which classes take longest. */
  readonly slowestClasses: CfnQueryDefinition;
  /** What became of one job, by its id. */
  readonly jobHistory: CfnQueryDefinition;
  /** Which jobs wait for their next attempt, the most often tried first. */
  readonly lastAttempts: CfnQueryDefinition;

  constructor(scope: Construct, id: string, props: QueriesProps) {
    super(scope, id);
    const folder = props.folder ?? scope.node.path;
    const logs = (functions: readonly (Consumer | Scheduler)[]) =>
      functions.map((one) => one.function.logGroup.logGroupName);
    const runs = logs(props.consumers.slice(0, MOST_LOG_GROUPS - 1));
    const all = [...runs, ...logs(props.scheduler ? [props.scheduler] : [])];
    const save = (key: string, name: string, logGroupNames: string[], commands: readonly string[]) =>
      new CfnQueryDefinition(this, key, {
        name: `${folder}/${name}`,
        logGroupNames,
        queryString: commands.join('\n| '),
      });

    this.failuresByClass = save('FailuresByClass', 'failures by class', runs, [
      "filter outcome = 'failed'",
      'stats count(*) as failures, max(@timestamp) as last, latest(error) as example by class, queue',
      'sort failures desc',
      'limit 100',
    ]);
    this.slowestClasses = save('SlowestClasses', 'slowest classes', runs, [
      RUNS,
      'stats count(*) as runs, pct(ms, 50) as p50, pct(ms, 99) as p99, max(ms) as longest, sum(ms) as total by class, queue',
      'sort p99 desc',
      'limit 100',
    ]);
    this.jobHistory = save('JobHistory', "one job's history", all, [
      'fields @timestamp, message, class, queue, attempt, outcome, ms, error, function_request_id',
      "filter id = 'PUT-THE-ID-HERE'",
      'sort @timestamp asc',
      'limit 1000',
    ]);
    // Of each job the newest run: it waits for its next attempt; the most often tried come first.
    this.lastAttempts = save('LastAttempts', 'retries about to give up', runs, [
      RUNS,
      'stats max(attempt) as attempts, latest(outcome) as state, latest(error) as reason by class, id',
      "filter state = 'retried'",
      'sort attempts desc',
      'limit 100',
    ]);
  }
}
