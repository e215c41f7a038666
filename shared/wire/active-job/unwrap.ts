import type { ActiveJobInfo, Job } from '../../types.ts';
import { decodeArguments } from './decode-arguments.ts';

/** The job as it is inside of Rails' wrapper. Whoever made its attempts: Rails counts them there, and so do we. */
export function unwrap(job: Job, activeJob: ActiveJobInfo): Job {
  const { jobClass, jobId, executions, data } = activeJob;
  const args = Array.isArray(data['arguments']) ? decodeArguments(data['arguments']) : [];
  return { ...job, class: jobClass, args, id: jobId || job.id, attempt: executions + 1, activeJob };
}
