import { checkOptions, type KnownOptions, type OptionsOf, shown } from '../shared/internal.ts';
import type { FunctionOptions, SystemOptions } from './function/function.ts';

/** Node.js runs an app without looking at its types, and a misspelt option would do nothing, silently. */

export const functionOptions = {
  memorySize: true,
  environment: true,
  logGroup: true,
  onFailure: true,
  retryAttempts: true,
  maxEventAge: true,
  bundling: true,
  logRetention: true,
  removalPolicy: true,
  encryptionKey: true,
} satisfies OptionsOf<FunctionOptions>;

export const systemOptions = {
  redis: true,
  jobs: true,
  namespace: true,
  systemName: true,
  metricsNamespace: true,
  tracing: true,
  logArgs: true,
  wake: true,
  classMetrics: true,
} satisfies OptionsOf<SystemOptions>;

/** Those that are durations, wherever they stand. */
const DURATIONS = new Set([
  'targetLatency',
  'timeout',
  'lease',
  'linger',
  'maxEventAge',
  'age',
  'oldestJobAge',
  'schedulerSilence',
  'maxBatchingWindow',
]);

/**
 * Each option is known, and what is to be a duration is one. A class that a user makes of ours may have options of its own, so that a
 * construct asks for itself alone (`new.target`).
 * @param where for messages
 * @throws Error with the option, its value, and what there is
 */
export function checkProps(where: string, given: object, known: KnownOptions): void {
  checkOptions(where, given, known);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || !DURATIONS.has(name) || typeof value?.toMilliseconds === 'function') continue;
    throw new Error(`${where}: ${name} must be a Duration, such as Duration.minutes(5); got ${shown(value)}.`);
  }
}
