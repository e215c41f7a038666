import type { StatusUpdate } from '../broker/broker.ts';
import type { Job, Outcome, Settlement } from '../types.ts';
import { unsplice } from '../wire/attempts.ts';
import { newAttemptsId, type Undecodable } from '../wire/decode.ts';
import { buriedEntry, type FailedEntryFields, failedEntry } from '../wire/failed-entry.ts';
import { phpStatus } from '../wire/php-status.ts';
import { tokenOf } from '../wire/worker-id.ts';

/** The settlement that carries an outcome out. @param now epoch ms */
export function settlementOf(job: Job, outcome: Outcome, worker: string, now: number): Settlement {
  const { raw } = job;
  switch (outcome.kind) {
    case 'succeeded':
    case 'discarded':
      return { kind: 'done', raw };
    case 'released':
      return { kind: 'release', raw, to: outcome.to };
    case 'retried':
      return {
        kind: 'retry',
        raw,
        at: Math.ceil(now + outcome.delay),
        record: {
          id: job.attemptsId ?? newAttemptsId(tokenOf(worker), raw),
          attempts: job.attempt,
          deaths: job.deaths,
        },
      };
    case 'failed':
      return { kind: 'fail', raw, ...failedEntry(entryFields(raw.queue, outcome.error, worker, now)) };
  }
}

/** The settlement of a payload that is no job. */
export function burialOf(undecodable: Undecodable, worker: string, now: number): Settlement {
  const { raw, error, isJson, isUtf8 } = undecodable;
  const fields = entryFields(raw.queue, error, worker, now);
  return isJson
    ? { kind: 'fail', raw, ...failedEntry(fields) }
    : isUtf8
      ? { kind: 'quote', raw, ...failedEntry(fields) }
      : { kind: 'bury', raw, entry: buriedEntry(fields, original(raw.bytes)) };
}

/** Bytes without the record of past attempts, which a payload can have got that nobody could read. */
function original(bytes: Buffer): Buffer {
  return Buffer.from(unsplice(bytes.toString('latin1')).payload, 'latin1');
}

/** php-resque's status for an outcome; undefined where the job has no status record. */
export function statusOf(job: Job, outcome: Outcome | 'running', now: number): StatusUpdate | undefined {
  if (job.statusId === undefined) return undefined;
  if (outcome === 'running') return phpStatus(job.statusId, 'running', now);
  const waits = outcome.kind === 'released' || outcome.kind === 'retried';
  return phpStatus(job.statusId, waits ? 'waiting' : outcome.kind === 'failed' ? 'failed' : 'complete', now);
}

function entryFields(queue: string, thrown: unknown, worker: string, now: number): FailedEntryFields {
  return { failedAt: new Date(now), thrown, worker, queue };
}
