import { type JobOrigin, type JobView, jobView } from './job-view.ts';

/** Of a payload that cannot be read whole: its class, which stands first in nearly every one. */
const CLASS = /^\s*\{\s*"class"\s*:\s*("(?:[^"\\]|\\.)*")/;

/** A job of whose payload only the beginning may be known. @param length of the whole payload */
export function viewOfBeginning(bytes: Buffer, length: number, origin: JobOrigin): JobView {
  const view = jobView(bytes, origin);
  if (length === bytes.length) return view;
  return {
    ...view,
    class: view.class ?? classAtStart(view.payload),
    exact: false,
    bytes: length - (bytes.length - view.bytes),
  };
}

function classAtStart(payload: string): string | undefined {
  try {
    return JSON.parse(CLASS.exec(payload)?.[1] ?? '') as string;
  } catch {
    return undefined;
  }
}
