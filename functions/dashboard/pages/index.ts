import { paths } from '../paths.ts';
import { costsPage } from './costs.ts';
import { cronPage, pauseCron, resumeCron, runCron } from './cron.ts';
import { failedPage } from './failed.ts';
import { removeAllEntries, removeEntries, retryAllEntries, retryEntries } from './failed-changes.ts';
import { failedEntriesPage } from './failed-entries.ts';
import { failedEntryText, failedExport } from './failed-texts.ts';
import { cancelFlow, flowPage, retryFlow } from './flow.ts';
import { flowsPage } from './flows.ts';
import { jobPage, payload } from './job.ts';
import { cancelJob, removeJobs, rescheduleJobs, runJobs } from './jobs.ts';
import { gatePage, limitsPage, pauseClass, releaseGate, resumeClass } from './limits.ts';
import { freeLock, locksPage } from './locks.ts';
import { overview } from './overview.ts';
import type { Change, Page } from './page.ts';
import { clearQueue, limitQueue, moveQueue, pauseQueue, queuePage, removeQueue, resumeQueue } from './queue.ts';
import { pauseAll, queuesPage, resumeAll } from './queues.ts';
import { scheduledPage } from './scheduled.ts';
import { searchPage } from './search.ts';
import { settingsPage } from './settings.ts';
import { unregister, workersPage } from './workers.ts';

/** Every page, by its path. */
export const pages: readonly (readonly [path: string, page: Page])[] = [
  [paths.overview, overview],
  [paths.queues, queuesPage],
  [paths.queue, queuePage],
  [paths.job, jobPage],
  [paths.payload, payload],
  [paths.search, searchPage],
  [paths.failed, failedPage],
  [paths.failedEntries, failedEntriesPage],
  [paths.failedEntry, failedEntryText],
  [paths.failedExport, failedExport],
  [paths.scheduled, scheduledPage],
  [paths.flows, flowsPage],
  [paths.flow, flowPage],
  [paths.limits, limitsPage],
  [paths.gate, gatePage],
  [paths.locks, locksPage],
  [paths.cron, cronPage],
  [paths.workers, workersPage],
  [paths.costs, costsPage],
  [paths.settings, settingsPage],
];

/** Every change, by the path that its form is sent to. */
export const changes: readonly (readonly [path: string, change: Change])[] = [
  ['/queues/pause-all', pauseAll],
  ['/queues/resume-all', resumeAll],
  ['/queue/pause', pauseQueue],
  ['/queue/resume', resumeQueue],
  ['/queue/limit', limitQueue],
  ['/queue/clear', clearQueue],
  ['/queue/remove', removeQueue],
  ['/queue/move', moveQueue],
  ['/limits/release', releaseGate],
  ['/locks/free', freeLock],
  ['/classes/pause', pauseClass],
  ['/classes/resume', resumeClass],
  ['/jobs/run', runJobs],
  ['/jobs/cancel', cancelJob],
  ['/jobs/remove', removeJobs],
  ['/jobs/reschedule', rescheduleJobs],
  ['/failed/retry', retryEntries],
  ['/failed/remove', removeEntries],
  ['/failed/retry-all', retryAllEntries],
  ['/failed/remove-all', removeAllEntries],
  ['/flow/cancel', cancelFlow],
  ['/flow/retry', retryFlow],
  ['/cron/run', runCron],
  ['/cron/pause', pauseCron],
  ['/cron/resume', resumeCron],
  ['/workers/unregister', unregister],
];
