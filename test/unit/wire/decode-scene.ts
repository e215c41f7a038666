import type { Numbers } from '../../../shared/config.ts';
import type { Job } from '../../../shared/types.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { rawJob } from '../../helpers/builders.ts';

/** The job in a payload that has to have one. */
export function read(payload: string | Buffer, numbers: Numbers = 'bigint'): Job {
  const job = decode(rawJob(payload), 'token', numbers);
  if (!('class' in job)) throw job.error;
  return job;
}

/** What is wrong with a payload that has to be refused. */
export function refused(payload: string | Buffer): Undecodable {
  const undecodable = decode(rawJob(payload), 'token', 'bigint');
  if ('class' in undecodable) throw new Error(`decoded ${undecodable.class}`);
  return undecodable;
}
