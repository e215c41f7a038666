/** When these prices were taken. Beside each stand its page and the month in which it was last compared. */
export const pricesOf = 'early 2026';

/** List prices of us-east-1, USD, of the first tier; Upstash's are those of pay as you go. No free tier is taken off. */
export const listPrices = {
  /** Of Lambda on ARM, for a GB for a second. @see https://aws.amazon.com/lambda/pricing/ March 2026 */
  gbSecond: 0.0000133334,
  /** Of a million requests of Lambda. @see https://aws.amazon.com/lambda/pricing/ March 2026 */
  requests: 0.2,
  /** Of a million invocations by EventBridge Scheduler. @see https://aws.amazon.com/eventbridge/pricing/ March 2026 */
  events: 1,
  /** Of a GB of logs that is taken in. @see https://aws.amazon.com/cloudwatch/pricing/ February 2026 */
  logs: 0.5,
  /** Of a metric for a month. @see https://aws.amazon.com/cloudwatch/pricing/ February 2026 */
  metric: 0.3,
  /** Of an alarm for a month, for each metric that it looks at. @see https://aws.amazon.com/cloudwatch/pricing/ February 2026 */
  alarm: 0.1,
  /** Of CloudWatch's dashboard for a month. @see https://aws.amazon.com/cloudwatch/pricing/ February 2026 */
  dashboard: 3,
  /** Of a secret for a month. @see https://aws.amazon.com/secrets-manager/pricing/ compared with lists without a date */
  secret: 0.4,
  /** Of 100,000 commands to Upstash. @see https://upstash.com/pricing/redis April 2026 */
  commands: 0.2,
  /** Of a million requests to a standard queue of SQS. @see https://aws.amazon.com/sqs/pricing/ March 2026 */
  sqs: 0.4,
  /** Of a t4g.small (2 CPUs, 2 GB), for an hour. @see https://aws.amazon.com/ec2/pricing/on-demand/ not compared */
  server: 0.0168,
  /** Of a GB of gp3 for a month. @see https://aws.amazon.com/ebs/pricing/ not compared */
  disk: 0.08,
  /** Of a public IPv4 address, for an hour. @see https://aws.amazon.com/vpc/pricing/ February 2026 */
  address: 0.005,
  /** Of a NAT gateway, for an hour; what passes it is not in it. @see https://aws.amazon.com/vpc/pricing/ February 2026 */
  nat: 0.045,
} as const;

/** What a second of a function costs, USD. @param memory MB */
export function lambdaSecond(memory: number, gbSecond: number = listPrices.gbSecond): number {
  return (memory / 1024) * gbSecond;
}

/** An app's push is SADD and RPUSH. */
export const COMMANDS_A_PUSH = 2;

/** What pushes cost, USD. @param commands price of 100,000 */
export function pushes(jobs: number, commands: number = listPrices.commands): number {
  return (jobs * COMMANDS_A_PUSH * commands) / 100_000;
}
