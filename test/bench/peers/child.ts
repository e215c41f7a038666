/** The process of one contender: `node --expose-gc child.ts <setup as JSON>`, asked through IPC. */
import { setTimeout as delay } from 'node:timers/promises';
import { offer } from './enqueue-at-rate.ts';
import { clock, type Peer, type PeerSetup, type Perform, QUEUE, type Workers } from './peer.ts';
import { Tally } from './run-counts.ts';
import type { Answer, How, Request, Service, Work } from './service.ts';
import { Watch } from './watch.ts';

/** Of a slow job, ms. */
const SLOW = 10;
const IN_BULK = 1_000;
const AT_ONCE = 100;
/** In one call of `fill`, bytes. */
const FILL = 4_000_000;

const work: Readonly<Record<Work, (mark: (id: number) => void) => Perform>> = {
  noop: (mark) => mark,
  wait: (mark) => (id) =>
    new Promise((resolve) => {
      setTimeout(() => {
        mark(id);
        resolve();
      }, SLOW);
    }),
  cpu: (mark) => (id) => {
    const end = performance.now() + SLOW;
    while (performance.now() < end);
    mark(id);
  },
};

/** Only the library that it needs is loaded. */
async function open(setup: PeerSetup): Promise<Peer> {
  if (setup.kind === 'bullmq') return (await import('./bullmq.ts')).bullmq(setup.redis);
  if (setup.kind === 'node-resque') return (await import('./node-resque.ts')).nodeResque(setup.redis);
  return (await import('./lambdesque.ts')).lambdesque(setup);
}

const peer = await open(JSON.parse(process.argv[2] ?? '') as PeerSetup);
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
let working: { workers: Workers; jobs: number; tally: Tally; late: number[] } | undefined;
const current = () => {
  if (!working) throw new Error('There are no workers.');
  return working;
};

let watching: { workers: Workers; watch: Watch } | undefined;

const plain = { queues: [QUEUE], logRuns: false, doorbell: false };
/** Of workers that are there before their jobs, ms. */
const EAGER = 10;

const enqueuing: Readonly<Record<How, (jobs: number) => Promise<void>>> = {
  async 'one by one'(jobs) {
    for (let id = 0; id < jobs; id++) await peer.add(id, 0);
  },
  async concurrently(jobs) {
    let next = 0;
    const lane = async () => {
      while (next < jobs) await peer.add(next++, 0);
    };
    await Promise.all(range(0, AT_ONCE).map(lane));
  },
  'in bulk': (jobs) => fill(jobs, IN_BULK),
};

async function fill(jobs: number, chunk: number, payload = 0, queues: readonly string[] = [QUEUE]): Promise<void> {
  for (let from = 0; from < jobs; from += chunk) {
    await peer.addBulk(range(from, Math.min(jobs, from + chunk)), { payload, queues });
  }
}

const service: Service = {
  fill: ({ jobs, payload = 0, queues }) =>
    fill(jobs, Math.max(1, Math.min(IN_BULK, Math.floor(FILL / (payload + 1)))), payload, queues),

  async connect({ jobs, concurrency, work: kind = 'noop', logRuns = false, queues = [QUEUE] }) {
    const tally = new Tally(jobs);
    const perform = work[kind]((id) => tally.mark(id));
    const workers = await peer.workers({ ...plain, concurrency, perform, logRuns, queues, poll: EAGER });
    working = { workers, jobs, tally, late: [] };
    globalThis.gc?.();
  },

  async drain() {
    const { workers, jobs, tally } = current();
    const began = performance.now();
    await workers.drain(jobs);
    const took = performance.now() - began;
    await workers.close();
    tally.check();
    return took;
  },

  async enqueue(how, jobs) {
    globalThis.gc?.();
    const began = performance.now();
    await enqueuing[how](jobs);
    return performance.now() - began;
  },

  async serve({ concurrency, jobs, doorbell = false, poll }) {
    const tally = new Tally(jobs);
    const late: number[] = [];
    const perform: Perform = (id, sentAt) => {
      late.push(clock() - sentAt);
      tally.mark(id);
    };
    const workers = await peer.workers({ ...plain, concurrency, perform, doorbell, poll });
    working = { workers, jobs, tally, late };
    return workers.serve();
  },

  offer: (setting) => offer(peer, setting),

  async served() {
    const { workers, jobs, tally, late } = current();
    while (workers.settled < jobs) await delay(20);
    await workers.close();
    tally.check();
    return late;
  },

  async watch(setting) {
    const watch = new Watch(setting);
    const { concurrency } = setting;
    const { perform, held: onHeld } = watch;
    const workers = await peer.workers({ ...plain, concurrency, perform, onHeld, poll: EAGER });
    watching = { workers, watch };
    globalThis.gc?.();
    const began = watch.begin();
    await workers.serve();
    return began;
  },

  async watched() {
    if (!watching) throw new Error('There are no workers.');
    const { workers, watch } = watching;
    await watch.over();
    await workers.close();
    return watch.figures();
  },

  memory: async () => process.resourceUsage().maxRSS * 1024,
};

const answer = (one: Answer) => process.send?.(one);

process.on('message', ({ method, args }: Request) => {
  const call = service[method] as (...args: readonly unknown[]) => Promise<unknown>;
  call(...args).then(
    (value) => answer({ value: value ?? null }),
    (error: unknown) => answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit());
answer({ value: 'ready' });
