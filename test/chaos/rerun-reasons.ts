/** Why a job may run again: the process that ran it died, or lost its lease. */
import type { Death } from '../helpers/chaos-log.ts';
import { type Life, type OutputLine, outputLines } from '../helpers/supervisor.ts';

export interface Excuse {
  readonly pid: number;
  /** It died; it said itself that it lost its lease; a scheduler said so of it; its lease was seen to end. */
  readonly kind: 'died' | 'said' | 'reclaimed' | 'seen';
  /** Epoch ms: when it was said or seen. */
  readonly at: number;
  readonly what: string;
  /** How much later than a rerun it may come, ms: who lost a lease hears of it last. */
  readonly late: number;
}

/** What a worker says of its own lost lease, or of jobs that it could not settle. */
const OWN = [
  /lease ended before it was extended/i,
  /not held any more/i,
  /did not take the last outcomes/i,
  /left to be reclaimed/i,
];
/** What a scheduler says of another worker, which its line names. */
const RECLAIMED = /lease of a worker ended/i;
/** A worker hears of its lost lease when its connection works again, at the latest after its timeouts and waits. */
const LATE_OWN_MS = 30_000;
/** A reclaimed job may run before the scheduler has its answer. */
const LATE_OTHER_MS = 15_000;

/** Before the end of a process that ended well, ms: then it gives its lease up itself. */
const LEAVING_MS = 2_000;

/** @param seen what was seen of leases in Redis */
export function excuses(lives: readonly Life[], deaths: readonly Death[], seen: readonly Excuse[]): Excuse[] {
  const well = new Map(deaths.flatMap(({ pid, at, how }) => (how === 'code-0' ? [[pid, at] as const] : [])));
  return [
    ...deaths
      .filter(({ pid }) => !well.has(pid))
      .map(({ pid, at, how }): Excuse => ({ pid, kind: 'died', at, what: how, late: 0 })),
    ...lives.flatMap((life) => outputLines(life).flatMap((line) => excuseIn(line, life.pid) ?? [])),
    ...seen.filter(({ pid, at }) => at < (well.get(pid) ?? Infinity) - LEAVING_MS),
  ];
}

function excuseIn(line: OutputLine, pid: number): Excuse | undefined {
  const { msg } = line;
  if (typeof msg !== 'string') return undefined;
  const at = Date.parse(line.time);
  if (RECLAIMED.test(msg)) {
    const worker = Number(String(line['worker']).split(':')[1]);
    return { pid: worker, kind: 'reclaimed', at, what: `by ${pid}: ${msg}`, late: LATE_OTHER_MS };
  }
  return OWN.some((pattern) => pattern.test(msg)) ? { pid, kind: 'said', at, what: msg, late: LATE_OWN_MS } : undefined;
}

/** How many times this process lost what it held, by its death or before. Not all of its witnesses tell of each. */
export function losses(excuses: readonly Excuse[]): number {
  const count = (kind: Excuse['kind']) => excuses.filter((one) => one.kind === kind).length;
  return Math.max(count('died') + count('said'), count('reclaimed'), count('seen'));
}
