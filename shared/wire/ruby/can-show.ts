import { WRAPPER } from '../active-job/envelope.ts';

/** Levels that Ruby's JSON library reads, without the record around the payload. */
const DEEPEST = 99;
const SURROGATE = /\\u[dD][89a-fA-F]/;
/** A pair, or half of one; any other escape. */
const ESCAPE = /\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F])|.)/gs;
const STRUCTURE = /"(?:[^"\\]|\\.)*"|[[\]{}]/gs;

/**
 * Can Ruby's tools read a record that holds this payload? Of one that they cannot, every page of resque-web that lists the
 * record ends: at half of a surrogate pair, at what is nested deeply, and at Rails' wrapper around something that is no job.
 * @param payload JSON of an object
 */
export function rubyCanShow(payload: string): boolean {
  if (payload.includes(WRAPPER) && !hasShownClass(payload)) return false;
  if (SURROGATE.test(payload) && [...payload.matchAll(ESCAPE)].some(([, half]) => half !== undefined)) return false;
  return depthOf(payload) <= DEEPEST;
}

/** Of such a job it shows the class by `args.first['job_class']`. */
function hasShownClass(payload: string): boolean {
  const { class: name, args } = JSON.parse(payload) as { readonly class?: unknown; readonly args?: unknown };
  if (name !== WRAPPER) return true;
  if (!Array.isArray(args)) return false;
  const [first]: readonly unknown[] = args;
  return typeof first === 'string' || (typeof first === 'object' && first !== null && !Array.isArray(first));
}

function depthOf(json: string): number {
  // What has fewer brackets is less deep.
  if (json.split(/[[{]/, DEEPEST + 2).length <= DEEPEST + 1) return 0;
  let depth = 0;
  let deepest = 0;
  for (const [mark] of json.matchAll(STRUCTURE)) {
    if (mark === '[' || mark === '{') deepest = Math.max(deepest, ++depth);
    else if (mark === ']' || mark === '}') depth--;
  }
  return deepest;
}
