import { randomBytes } from 'node:crypto';

/**
 * `host:pid:queues`, as Resque's tools expect it. The host part is ours alone: a Ruby worker takes an id with its own
 * host name for a dead process of that host and unregisters it. Its last piece, the token, tells one process from any
 * other, also after a container restarted with the same name and pid.
 *
 * @param host machine or function; characters other than letters, digits, `.`, `_`, `@` and `-` become `-`
 * @param queues queue patterns as the user gave them; an empty part would break Ruby's workers
 */
export function workerId(host: string, pid: number | string, queues: readonly string[]): string {
  const safeHost = host.replace(/[^A-Za-z0-9._@-]+/g, '-') || 'host';
  return `${PREFIX}${safeHost}-${newToken()}:${pid}:${queues.join(',') || '*'}`;
}

/** Whose worker it is, where it is one invocation of a function. */
export interface FunctionWorker {
  /** The consumer's name in its system. */
  readonly consumer: string;
  /** The name of the system. */
  readonly system: string;
  /** The invocation's. */
  readonly requestId: string;
}

/** The id of a function's worker: its host names the consumer and its system, its pid is the request id. */
export function functionWorkerId({ consumer, system, requestId }: FunctionWorker, queues: readonly string[]): string {
  return workerId(`${consumer}@${system}`, requestId, queues);
}

const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Made by `functionWorkerId`; undefined for a worker that is no function. */
export function functionWorkerOf(worker: string): FunctionWorker | undefined {
  if (!isOurs(worker)) return undefined;
  const { host, pid: requestId } = partsOfWorkerId(worker);
  const [, consumer, system] = /^([^@]+)@([^@]+)$/.exec(host) ?? [];
  if (consumer === undefined || system === undefined || !REQUEST_ID.test(requestId)) return undefined;
  return { consumer, system, requestId };
}

const PREFIX = 'lambdesque-';
/** The host as it was given, the token, and what follows. */
const OWN_HOST = /^([^:]*)-[0-9a-f]{12}:/;

/** Made by `workerId`, as far as its form tells. */
export function isOurs(worker: string): boolean {
  return hostOfOurs(worker) !== undefined;
}

/** What stands in any Resque's worker id; of ours the host as it was given. A part that is missing is ''. */
export function partsOfWorkerId(worker: string): { host: string; pid: string; queues: string[] } {
  const [, host = worker, pid = '', queues = ''] = /^([^:]*):([^:]*):([\s\S]*)$/.exec(worker) ?? [];
  return { host: hostOfOurs(worker) ?? host, pid, queues: queues === '' ? [] : queues.split(',') };
}

function hostOfOurs(worker: string): string | undefined {
  return worker.startsWith(PREFIX) ? OWN_HOST.exec(worker.slice(PREFIX.length))?.[1] : undefined;
}

/** The token of a worker id: the first part of the ids that this worker gives to jobs. Any id has one. */
export function tokenOf(worker: string): string {
  const host = worker.slice(0, worker.indexOf(':'));
  return host.slice(host.lastIndexOf('-') + 1).replace(/["\\{}]/g, '');
}

/** The same worker with another token: what it was before is dead for all others. */
export function renewToken(worker: string): string {
  return worker.replace(/^([^:]*-)[0-9a-f]{12}(?=:)/, (_, host: string) => host + newToken());
}

function newToken(): string {
  return randomBytes(6).toString('hex');
}
