import { activeJobOf, WRAPPER } from './active-job/envelope.ts';
import { argsOf } from './decode.ts';

/** What a list of jobs shows of a payload. */
interface ShownJob {
  readonly class: string | undefined;
  readonly id: string | undefined;
  readonly args: readonly unknown[];
}

/**
 * Class, id and arguments of a payload; of a job of Rails' ActiveJob those inside its wrapper, its arguments as Rails
 * encodes them.
 */
export function shownJob(fields: { class?: unknown; args?: unknown; id?: unknown }): ShownJob {
  const args = argsOf(fields.args);
  const name = textOr(fields.class);
  const id = textOr(fields.id);
  const inner = name === WRAPPER ? activeJobOf(args) : undefined;
  if (!inner) return { class: name, id, args };
  return { class: inner.jobClass, id: id ?? textOr(inner.jobId), args: argsOf(inner.data['arguments']) };
}

function textOr(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
