import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';
import type { PeerSetup } from './peers/peer.ts';
import type { Answer, DrainDeps, FillSetting, Method, Request, Service } from './peers/service.ts';

/** A system under test, in a process of its own. */
export interface Contender {
  readonly name: ContenderName;
  readonly ask: Service;
  /** Queues jobs in an empty Redis and runs them. @returns jobs per second */
  rate(drain: DrainDeps, fill?: Omit<FillSetting, 'jobs'>): Promise<number>;
  /** It is no longer needed here. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export type ContenderName = 'Lambdesque TCP' | 'Lambdesque REST' | 'BullMQ' | 'node-resque';

export const ours: readonly ContenderName[] = ['Lambdesque TCP', 'Lambdesque REST'];
export const all: readonly ContenderName[] = [...ours, 'BullMQ', 'node-resque'];

/** An answer that takes longer will not come. Milliseconds. */
const PATIENCE = 180_000;

const setups: Readonly<Record<ContenderName, (bed: Bed) => PeerSetup>> = {
  'Lambdesque TCP': ({ redis }) => ({ kind: 'tcp', redis: redis.url }),
  'Lambdesque REST': ({ rest }) => ({ kind: 'rest', url: rest.url, token: rest.token }),
  BullMQ: ({ redis }) => ({ kind: 'bullmq', redis: redis.url }),
  'node-resque': ({ redis }) => ({ kind: 'node-resque', redis: redis.url }),
};

/** The settings of those that are compared, for the notes. */
export const settingsNote = [
  'Lambdesque: defaults, with leases, settling and statistics; its log lines go to /dev/null',
  'BullMQ: defaults, removeOnComplete, so that it keeps nothing, as Lambdesque and node-resque do',
  'node-resque: Worker for concurrency 1, else MultiWorker with that many workers; looks each 10 ms, not each 5,000',
];

export async function startContender(bed: Bed, name: ContenderName): Promise<Contender> {
  const free = bed.pool?.findIndex((one) => one.name === name) ?? -1;
  const [again] = free >= 0 ? (bed.pool?.splice(free, 1) ?? []) : [];
  return again ?? startProcess(bed, name);
}

export interface ProcessOptions {
  /** Where its Redis is. @default on the bed, near */
  readonly setup?: PeerSetup;
  /** The program, for that of another commit. @default ours */
  readonly program?: string;
}

/** One that is not used again for another benchmark: `kill` ends it. */
export async function startProcess(bed: Bed, name: ContenderName, options: ProcessOptions = {}): Promise<Contender> {
  const { setup = setups[name](bed), program = fileURLToPath(new URL('./peers/child.ts', import.meta.url)) } = options;
  const child = fork(program, [JSON.stringify(setup)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  await nextAnswer(child, name);
  const ask = Object.fromEntries(
    methods.map((method) => [
      method,
      (...args: unknown[]) => {
        child.send({ method, args } satisfies Request);
        return nextAnswer(child, `${name}, ${method} ${JSON.stringify(args).slice(0, 100)}`);
      },
    ]),
  ) as unknown as Service;
  const contender: Contender = {
    name,
    ask,
    async rate(drain, fill) {
      const { jobs } = drain;
      await bed.redis.client.flushall();
      await ask.fill({ ...fill, jobs });
      await ask.connect(drain);
      return (jobs / (await ask.drain())) * 1_000;
    },
    async stop() {
      if (bed.pool) bed.pool.push(contender);
      else await contender.kill();
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
  return contender;
}

/** Starts them, and ends them after `use`. */
export async function withContenders<T>(
  bed: Bed,
  names: readonly ContenderName[],
  use: (contenders: readonly Contender[]) => Promise<T>,
): Promise<T> {
  const contenders = await Promise.all(names.map((name) => startContender(bed, name)));
  try {
    return await use(contenders);
  } finally {
    await Promise.all(contenders.map((one) => one.stop()));
    await bed.redis.client.flushall();
  }
}

const methods: readonly Method[] = [
  'fill',
  'connect',
  'drain',
  'enqueue',
  'serve',
  'offer',
  'served',
  'watch',
  'watched',
  'memory',
];

async function nextAnswer(child: ChildProcess, what: string): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onMessage = (answer: Answer) =>
    'error' in answer ? reject(new Error(`${what}: ${answer.error}`)) : resolve(answer.value ?? undefined);
  const onExit = () => reject(new Error(`${what}: its process ended.`));
  const timer = setTimeout(() => reject(new Error(`${what}: no answer in ${PATIENCE / 1_000} s.`)), PATIENCE);
  child.once('message', onMessage).once('exit', onExit);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    child.off('message', onMessage).off('exit', onExit);
  }
}
