/**
 * List prices of us-east-1 in 2026, USD; Upstash's are those of pay as you go. No free tier is taken off.
 * @see https://aws.amazon.com/lambda/pricing/ https://aws.amazon.com/cloudwatch/pricing/ https://upstash.com/pricing/redis
 */
export const listPrices = {
  /** Of Lambda on ARM, for a GB for a second. */
  gbSecond: 0.0000133334,
  /** Of a million requests of Lambda. */
  requests: 0.2,
  /** Of a million events of EventBridge. */
  events: 1,
  /** Of a GB of logs. */
  logs: 0.5,
  /** Of a metric for a month. */
  metric: 0.3,
  /** Of an alarm for a month, for each metric that it looks at. */
  alarm: 0.1,
  /** Of CloudWatch's dashboard for a month. */
  dashboard: 3,
  /** Of a secret for a month. */
  secret: 0.4,
  /** Of 100,000 commands to Upstash. */
  commands: 0.2,
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
