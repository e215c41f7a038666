/**
 * For the tests of programs that use Lambdesque: jobs run and clients record, without Redis.
 * @module lambdesque/testing
 */

export type { Clock } from '../clock.ts';
export type { Progress } from '../job/progress.ts';
export type { ExpectedEnqueue } from './expectations.ts';
export type { EnqueuedJob, JobRun, StartedInTest } from './job-run.ts';
export { ManualClock } from './manual-clock.ts';
export { type RecordingClient, type RecordingClientOptions, recordingClient } from './recording-client.ts';
export type { LogLine } from './recording-logger.ts';
export { type RunJobOptions, runJob } from './run-job.ts';
