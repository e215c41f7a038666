import type { LimitRule } from '../types.ts';

/**
 * A gate lets through so many jobs at once, or in a time. Each has a hash `limit:<gate>`: `=<worker>` → places that jobs of
 * it take, `+<SHA-1 of a payload as its producer wrote it>` → places that are kept for jobs that were called, `r<epoch ms>` → jobs that were let
 * through in the moment that ended then, `rule` → what is allowed, as text, `unasked` → 1 where a called job has not come, until somebody asks. Jobs that it does not let through wait in the
 * list `parked:<gate>`, in the order in which they came, as `<bytes of the queue's name>:<queue><payload>`.
 */

/**
 * Running jobs, jobs in a time, that time (ms), how long the hash is kept when nobody passes (ms); `-` for no limit.
 * @param life undefined for ever
 */
export function ruleText({ running, rate }: LimitRule, life?: number): string {
  return `${running ?? '-'} ${rate?.count ?? '-'} ${rate?.per ?? '-'} ${life ?? '-'}`;
}

const RULE = /^(\d+|-) (\d+|-) (\d+|-) (?:\d+|-)$/;

/** @returns undefined for what is none */
export function readRule(text: string): LimitRule | undefined {
  const [, running, count, per] = RULE.exec(text) ?? [];
  if (running === undefined || count === undefined || per === undefined) return undefined;
  return {
    running: running === '-' ? undefined : Number(running),
    rate: count === '-' || per === '-' ? undefined : { count: Number(count), per: Number(per) },
  };
}

/** Of a queue's limit. Its jobs wait in the queue itself. */
export function queueGate(queue: string): string {
  return `queue:${queue}`;
}

/** Of the jobs of a class that are of one kind. The key stands behind a slash, which Ruby's and most names of classes have none of. @param key '' where there is but one */
export function classGate(className: string, key: string): string {
  const name = className.replace(/[%/]/g, encodeURIComponent);
  return `class:${name}${key === '' ? '' : `/${key}`}`;
}

/** Of equal jobs of which one may run. @param lock its name, see job/unique.ts */
export function aloneGate(lock: string): string {
  return `running:${lock}`;
}

/** Of the steps of a flow. */
export function flowGate(id: string): string {
  return `flow:${id}`;
}

/** Of a class that is paused; open while it is not. */
export function pauseGate(className: string): string {
  return `pause:${className}`;
}

/** What a gate is for. */
export interface GateParts {
  readonly kind: (typeof KINDS)[number];
  /** The queue or the class; of equal jobs, also those that wait for a lock (`unique`), the name of their lock; a flow's id. */
  readonly name: string;
  /** Of a kind of jobs within a class. */
  readonly key: string | undefined;
}

const KINDS = ['queue', 'class', 'running', 'flow', 'pause', 'unique'] as const;

/** What a gate's name says; undefined where it is none. */
export function partsOfGate(gate: string): GateParts | undefined {
  const at = gate.indexOf(':');
  const kind = KINDS.find((one) => one === gate.slice(0, at));
  const name = gate.slice(at + 1);
  if (kind === undefined || name === '') return undefined;
  if (kind !== 'class') return { kind, name, key: undefined };
  const slash = name.indexOf('/');
  const own = (slash === -1 ? name : name.slice(0, slash)).replace(/%25|%2F/g, decodeURIComponent);
  return { kind, name: own, key: slash === -1 ? undefined : name.slice(slash + 1) };
}

/** A job as it is parked. @property prefix bytes before its payload */
interface ParkedElement {
  readonly queue: string;
  readonly prefix: number;
}

/** @returns undefined for what is none */
export function readParked(element: Buffer): ParkedElement | undefined {
  const colon = element.indexOf(':');
  const digits = element.toString('latin1', 0, Math.max(0, Math.min(colon, 8)));
  const prefix = colon + 1 + Number(digits);
  if (!/^\d+$/.test(digits) || prefix > element.length) return undefined;
  return { queue: element.toString('utf8', colon + 1, prefix), prefix };
}

/** @returns undefined for a gate of another kind */
export function pausedClassOf(gate: string): string | undefined {
  return gate.startsWith('pause:') ? gate.slice('pause:'.length) : undefined;
}
