/**
 * Job classes for worker processes under test (`work --jobs`). `JOB_LOG` names the folder of a JobLog; with
 * `JOB_KILL_AT` the process kills itself soon after so many handlers have started.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { pbkdf2Sync } from 'node:crypto';
import { Discard, defineJob, type JobContext, RetryIn, SkipRetry } from 'lambdesque';
import { z } from 'zod';
import { JobLog } from './job-log.ts';

const folder = process.env['JOB_LOG'];
const log = folder === undefined ? undefined : new JobLog(folder);
const killAt = Number(process.env['JOB_KILL_AT'] ?? Infinity);
let starts = 0;

function record(args: readonly unknown[], ctx: JobContext): void {
  log?.started({ name: String(args[0]), attempt: ctx.job.attempt, pid: process.pid });
  // A few milliseconds on or at once, so that it hits handlers, replies and batches at any point.
  if (++starts === killAt) setTimeout(() => process.kill(process.pid, 'SIGKILL'), Math.random() * 8);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function untilOpen(gate: string, signal?: AbortSignal): Promise<void> {
  while (!log?.isOpen(gate) && !signal?.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Starts, lets others run, ends. */
const Note = defineJob({
  class: 'Note',
  queue: 'notes',
  async perform(args, ctx) {
    record(args, ctx);
    await turn();
  },
});

/** Takes some milliseconds, so that a worker neither ends before it can be killed nor looks far ahead. */
const Nap = defineJob({
  class: 'Nap',
  async perform(args, ctx) {
    record(args, ctx);
    await new Promise((resolve) => setTimeout(resolve, 3));
  },
});

/** Ends when the test opens the gate that its argument names, or rejects when it is aborted. */
const Gate = defineJob({
  class: 'Gate',
  async perform(args, ctx) {
    record(args, ctx);
    await untilOpen(String(args[0]), ctx.signal);
    ctx.signal.throwIfAborted();
  },
});

/** Never ends and does not care for the abort; with the second argument `timer` it even keeps the process busy. */
const Stubborn = defineJob({
  class: 'Stubborn',
  async perform(args, ctx) {
    record(args, ctx);
    if (args[1] === 'timer') setInterval(() => {}, 1_000);
    await new Promise(() => {});
  },
});

/** Sends its own process a signal, then goes on until the gate opens. */
const Signal = defineJob({
  class: 'Signal',
  args: z.tuple([z.string(), z.enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'])]),
  async perform(args, ctx) {
    record(args, ctx);
    process.kill(process.pid, args[1]);
    await untilOpen(args[0]);
  },
});

/** Kills its process before anything else can happen. */
const Kill = defineJob({
  class: 'Kill',
  perform(args, ctx) {
    record(args, ctx);
    process.kill(process.pid, 'SIGKILL');
  },
});

const Exit = defineJob({
  class: 'Exit',
  perform(args, ctx) {
    record(args, ctx);
    process.exit(1);
  },
});

/** Blocks the event loop until the gate `<name>-<attempt>` opens. */
const Block = defineJob({
  class: 'Block',
  perform(args, ctx) {
    record(args, ctx);
    const lock = new Int32Array(new SharedArrayBuffer(4));
    while (!log?.isOpen(`${args[0]}-${ctx.job.attempt}`)) Atomics.wait(lock, 0, 0, 5);
  },
});

/** Leaves rejected promises behind. */
const Careless = defineJob({
  class: 'Careless',
  perform(args, ctx) {
    record(args, ctx);
    void Promise.reject(new Error('nobody awaits this'));
    void Promise.reject('nor this');
  },
});

/** Throws where no handler can catch it. */
const Runaway = defineJob({
  class: 'Runaway',
  perform(args, ctx) {
    record(args, ctx);
    setTimeout(() => {
      throw new Error('thrown from a timer');
    }, 0);
  },
});

/** Runs something outside of every job. */
const outside = AsyncLocalStorage.snapshot();

/** Lets an error be thrown that comes from no job. */
const Unattached = defineJob({
  class: 'Unattached',
  perform(args, ctx) {
    record(args, ctx);
    outside(() => {
      setTimeout(() => {
        throw new Error('thrown from nowhere');
      }, 0);
    });
  },
});

/** Never leaves the event loop again. */
const Loop = defineJob({
  class: 'Loop',
  perform(args, ctx) {
    record(args, ctx);
    for (;;);
  },
});

/** Waits where no JavaScript runs, for longer than any lease. */
const Native = defineJob({
  class: 'Native',
  perform(args, ctx) {
    record(args, ctx);
    pbkdf2Sync('password', 'salt', 1e9, 64, 'sha512');
  },
});

/** Blocks for so many milliseconds. */
const Busy = defineJob({
  class: 'Busy',
  perform(args) {
    const end = performance.now() + Number(args[0]);
    while (performance.now() < end);
  },
});

const Throws = defineJob({
  class: 'Throws',
  retry: { attempts: 2, backoff: '1h' },
  perform(args, ctx) {
    record(args, ctx);
    switch (args[1]) {
      case 'skip':
        throw new SkipRetry('no use in trying');
      case 'discard':
        throw new Discard('not wanted any more');
      case 'retry-in':
        throw new RetryIn('2h');
      default:
        throw new TypeError('it broke');
    }
  },
});

/** Its schema takes what the command line gives. */
const Text = defineJob({
  class: 'Text',
  queue: 'texts',
  args: z.tuple([z.string()]),
  perform() {},
});

/** Its schema has a path to name. */
const Strict = defineJob({
  class: 'Strict',
  args: z.tuple([z.string(), z.object({ count: z.number().int() })]),
  perform(args, ctx) {
    record(args, ctx);
  },
});

/** Reports what it was given, and whether anything got onto the prototype of all objects. */
const Inspect = defineJob({
  class: 'Inspect',
  perform(args, ctx) {
    record(args, ctx);
    const polluted = ['polluted', 'args', 'class', 'toJSON'].filter((key) => key in {});
    ctx.log.info('inspected', {
      polluted,
      keys: typeof args[1] === 'object' ? Object.keys(Object(args[1])) : [],
      kinds: args.map((arg) => typeof arg),
      length: ctx.job.payload.length,
      text: args.slice(1).map(String).join('|').slice(0, 80),
    });
  },
});

export default [
  ...[Note, Nap, Gate, Stubborn, Signal, Kill, Exit, Block, Loop, Native, Busy],
  ...[Careless, Runaway, Unattached, Throws, Text, Strict, Inspect],
];
