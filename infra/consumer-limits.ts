import type { Duration } from 'aws-cdk-lib';

interface ConsumerLimits {
  readonly consumerName: string;
  readonly concurrency: number;
  readonly maxWorkers: number;
  readonly targetLatency: Duration | undefined;
}

/** @throws Error for a name or number that a consumer cannot have */
export function checkConsumer({ consumerName, concurrency, maxWorkers, targetLatency }: ConsumerLimits): void {
  checkName(consumerName);
  checkCount('concurrency', concurrency);
  checkCount('maxWorkers', maxWorkers);
  checkLatency(targetLatency);
}

function checkName(name: string): void {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    throw new Error(
      `A consumer's name must be 1 to 64 letters, digits, ".", "_" and "-"; got ${JSON.stringify(name)}.`,
    );
  }
}

function checkLatency(latency: Duration | undefined): void {
  if (latency === undefined || latency.isUnresolved() || latency.toMilliseconds() >= 1_000) return;
  throw new Error(`targetLatency must be a second or more; got ${latency.toMilliseconds()} ms.`);
}

function checkCount(option: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${option} must be a whole number, 1 or more; got ${value}.`);
  }
}
