import { unsplice } from './attempts-record.ts';
import { shownJob } from './shown-job.ts';

/** What can be told of a job whose payload may be known only in part. */
interface JobGlimpse {
  readonly class: string | undefined;
  /** The one in its payload, or that of its attempts. */
  readonly id: string | undefined;
  /** How many workers have died with it. */
  readonly deaths: number;
}

/** Which class: it stands first in nearly every payload. */
const CLASS = /^\s*\{\s*"class"\s*:\s*("(?:[^"\\]|\\.)*")/;
/** An id behind the arguments, as php-resque and we write it, with nothing but short members behind it. */
const ID_AT_END = /"id":("(?:[^"\\]|\\.)*")(?:,"[a-z_]+":(?:[\d.]+|"[^"\\]*"))*\}\s*$/;

/** @param end the last characters of a payload of which `beginning` is not all; '' where it is */
export function glimpse(beginning: string, end: string): JobGlimpse {
  const { payload, record } = unsplice(beginning);
  const { class: name, id } = end === '' ? whole(payload) : partly(payload, end);
  return { class: name, id: id ?? record?.id, deaths: record?.deaths ?? 0 };
}

function whole(payload: string): Pick<JobGlimpse, 'class' | 'id'> {
  const fields = parsed(payload);
  return typeof fields === 'object' && fields !== null ? shownJob(fields) : { class: undefined, id: undefined };
}

function partly(beginning: string, end: string): Pick<JobGlimpse, 'class' | 'id'> {
  return { class: text(CLASS.exec(beginning)?.[1]), id: text(ID_AT_END.exec(end)?.[1]) };
}

function text(json: string | undefined): string | undefined {
  const value = parsed(json ?? '');
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
