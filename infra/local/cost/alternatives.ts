import { type Bill, BYTES, DAYS, MINUTES } from '../../../functions/contract/bill.ts';
import { lambdaSecond, listPrices } from '../../../functions/contract/prices.ts';

/** USD a month of what else could run the same jobs. */
export interface Alternatives {
  /** SQS invokes a function. */
  readonly sqs: { readonly lambda: number; readonly requests: number; readonly logs: number; readonly all: number };
  /** Workers of BullMQ, asynq or this package on a server of their own, which has the Redis as well. */
  readonly server: { readonly server: number; readonly logs: number; readonly all: number };
  /** These functions with a Redis on such a server, and a NAT gateway for them. */
  readonly ownRedis: { readonly redis: number; readonly all: number };
}

/** Messages in a batch, at the most. */
const BATCH = 10;
/** Lambda has 5 pollers for a queue, each of which asks for 20 s at a time. */
const POLLS = (5 * 60) / 20;
/** Lambda's own lines of an invocation, bytes. */
const INVOCATION_BYTES = 400;
const HOURS = MINUTES / 60;
/** With 8 GB of disk and an address. */
const SERVER = HOURS * listPrices.server + 8 * listPrices.disk + HOURS * listPrices.address;
const NAT = HOURS * listPrices.nat;

/** @param ms of a handler, which waits @param memory MB of the functions */
export function alternativesOf(bill: Bill, { jobsPerDay, ms, memory }: Load): Alternatives {
  const jobs = jobsPerDay * DAYS;
  // A batch is what has come while an invocation was on its way: one job of few.
  const batch = Math.min(BATCH, Math.max(1, (jobs / (MINUTES * 60)) * (ms / 1_000)));
  const invocations = jobs / batch;
  const gigabytes = (bytes: number) => (bytes / 1e9) * listPrices.logs;
  const sqs = {
    lambda: (invocations * listPrices.requests) / 1e6 + (invocations * ms * lambdaSecond(memory)) / 1_000,
    requests: ((jobs + 2 * invocations + (jobs > 0 ? POLLS * MINUTES : 0)) * listPrices.sqs) / 1e6,
    logs: gigabytes(jobs * BYTES.job + invocations * INVOCATION_BYTES),
  };
  const server = { server: SERVER, logs: gigabytes(jobs * BYTES.job) };
  const redis = SERVER + NAT;
  return {
    sqs: { ...sqs, all: sqs.lambda + sqs.requests + sqs.logs },
    server: { ...server, all: server.server + server.logs },
    ownRedis: { redis, all: bill.aws + redis },
  };
}

interface Load {
  readonly jobsPerDay: number;
  readonly ms: number;
  readonly memory: number;
}
