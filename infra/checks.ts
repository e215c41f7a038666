import { Annotations } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { consumerEnd } from '../functions/contract/invocation-end.ts';
import type { CronEntry, JobDefinition } from '../shared/index.ts';
import { checkCronEntries, parseQueues, type QueueList, type Registry } from '../shared/internal.ts';
import type { Consumer } from './consumer.ts';
import { drains, sharedQueue } from './queues.ts';

/** A consumer, as far as its jobs have to fit it. */
interface Reach {
  readonly name: string;
  readonly consumer: Consumer;
  readonly list: QueueList;
}

/**
 * Do jobs, consumers and cron entries fit each other? What a deployment would only show at night is an error here.
 * @throws Error naming what does not fit, and what to change
 */
export function checkSystem(
  scope: Construct,
  consumers: Readonly<Record<string, Consumer>>,
  registry: Registry,
  cron: Readonly<Record<string, CronEntry>>,
): void {
  const all = Object.entries(consumers).map(([name, consumer]) => ({
    name,
    consumer,
    list: parseQueues(consumer.queues, consumer.order),
  }));
  for (const job of registry.definitions) {
    checkReachable(job, all);
    checkTimeout(job, all);
  }
  for (const { name, queue } of checkCronEntries(cron, registry)) {
    if (drainers(all, queue).length === 0) {
      throw new Error(`The cron entry ${quote(name)} enqueues to ${quote(queue)}, ${nobody(all)}`);
    }
  }
  checkSerial(scope, all, registry);
}

function checkReachable(job: JobDefinition, all: readonly Reach[]): void {
  if (job.queue === undefined || drainers(all, job.queue).length > 0) return;
  throw new Error(
    `The job class ${quote(job.class)} (${job.definedAt}) has the queue ${quote(job.queue)}, ${nobody(all)}`,
  );
}

/** An attempt must fit into an invocation. A class without a timeout of its own is aborted when the invocation ends. */
function checkTimeout(job: JobDefinition, all: readonly Reach[]): void {
  if (job.timeout === undefined) return;
  const { timeout } = job;
  const able = job.queue === undefined ? all : drainers(all, job.queue);
  const short = able.filter(({ consumer }) => timeout > room(consumer));
  // A class without a queue goes where its producer says; it is enough that one consumer can hold it.
  const [first] = job.queue === undefined && short.length < able.length ? [] : short;
  if (first === undefined) return;
  const { name, consumer } = first;
  throw new Error(
    `The job class ${quote(job.class)} (${job.definedAt}) may run for ${seconds(timeout)}, but an invocation of the ` +
      `consumer ${name} leaves ${seconds(room(consumer))}: its timeout of ${seconds(consumer.timeout.toMilliseconds())} less ` +
      'the time to end in order. Give the consumer a longer timeout (15 minutes at most), or the class a shorter one or ' +
      'the queue of another consumer.',
  );
}

/** Milliseconds that a job can have in one invocation. */
function room(consumer: Consumer): number {
  return consumerEnd(0, consumer.timeout.toMilliseconds()).deadline;
}

/** Two consumers that run one job at a time run two of a queue that both have, unless Redis holds it (`serial`). */
function checkSerial(scope: Construct, all: readonly Reach[], registry: Registry): void {
  const known = registry.definitions.flatMap((job) => job.queue ?? []);
  for (const [i, one] of all.entries()) {
    for (const other of all.slice(i + 1)) {
      if (!one.consumer.runsOneJob && !other.consumer.runsOneJob) continue;
      // Redis holds it, whoever drains them.
      if (one.consumer.serial || other.consumer.serial) continue;
      const queue = sharedQueue(one.list, other.list, known);
      if (queue === undefined) continue;
      if (one.consumer.runsOneJob && other.consumer.runsOneJob) {
        throw new Error(
          `The consumers ${one.name} and ${other.name} both run one job at a time (concurrency 1, maxWorkers 1) and both drain ` +
            `${quote(queue)}, so two of its jobs could run at once. Take it from one of them, for instance with "!${queue}", or ` +
            'have Redis hold it, with serial: true.',
        );
      }
      const [serial, wide] = one.consumer.runsOneJob ? [one, other] : [other, one];
      Annotations.of(scope).addWarningV2(
        `lambdesque:sharedSerialQueue:${serial.name}:${wide.name}`,
        `The consumer ${serial.name} runs one job at a time (concurrency 1, maxWorkers 1), but ${wide.name} drains ${quote(queue)} as well: ` +
          `its jobs can run at once. If they must not, add "!${queue}" to the queues of ${wide.name}, or have Redis hold it: ` +
          `serial: true of ${serial.name}.`,
      );
    }
  }
}

function drainers(all: readonly Reach[], queue: string): readonly Reach[] {
  return all.filter(({ list }) => drains(list, queue));
}

function nobody(all: readonly Reach[]): string {
  const lists = all.map(({ name, consumer }) => `${name}: ${consumer.queues}`).join('; ');
  return `which no consumer drains (${lists}). Add it to the queues of one, or change the queue.`;
}

function seconds(ms: number): string {
  return Number.isFinite(ms) ? `${ms / 1_000} s` : 'an unlimited time';
}

function quote(text: string): string {
  return JSON.stringify(text);
}
