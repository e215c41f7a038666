/**
 * Runs a bundle as Lambda does: in a process of its own, one invocation at a time, its handler imported once.
 *
 * The process gets nothing of this one's environment. It ends with `stop`, with `kill`, or when an invocation is not over
 * in its time, as Lambda's environments do.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { FromChild, ToChild } from './lambda-child.ts';

export interface LambdaOptions {
  /** The bundle's file. */
  readonly bundle: string;
  /** What `LAMBDESQUE_SETTINGS` holds; any JSON, or a text that is none. */
  readonly settings: unknown;
  /** More variables. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds by which its clock is ahead of ours. @default 0 */
  readonly clockOffset?: number;
}

export interface Invocation {
  /** What the handler returned; or, streamed, what it wrote. */
  readonly answer?: unknown;
  readonly error?: { readonly name: string; readonly message: string };
  /** It was not over in its time, or its process ended by itself. */
  readonly died: boolean;
  /** Milliseconds until it was over. */
  readonly ms: number;
  /** The HTTP head of a streamed response, and when its stream ended, ms from the start. */
  readonly response?: { readonly statusCode: number; readonly body: string; readonly ms: number };
}

export interface InvokeOptions {
  /** Milliseconds. @default 30000 */
  readonly timeout?: number;
}

/** An invocation under way. */
export interface Running {
  /** What has been streamed and ended so far. */
  readonly response: Promise<NonNullable<Invocation['response']>>;
  readonly done: Promise<Invocation>;
}

export interface TestLambda {
  /** From the start of the import of the bundle to its end, ms. */
  readonly initMs: number;
  /** All that it printed. */
  readonly output: string;
  /** Its lines that are JSON. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  invoke(event?: unknown, options?: InvokeOptions): Promise<Invocation>;
  start(event?: unknown, options?: InvokeOptions): Running;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

const CHILD = new URL('./lambda-child.ts', import.meta.url);
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** @throws if the bundle cannot be imported, with what it printed */
export async function startLambda(options: LambdaOptions): Promise<TestLambda> {
  const { bundle, settings, env = {}, clockOffset = 0 } = options;
  const child = fork(CHILD, [bundle, String(clockOffset)], {
    env: {
      ...env,
      LAMBDESQUE_SETTINGS: typeof settings === 'string' ? settings : JSON.stringify(settings),
      TZ: ':UTC',
    },
    // As Lambda does with NODE_OPTIONS unset; our own loader flags are not for it.
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.add(child);
  const exited = once(child, 'exit').then(() => children.delete(child));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const first = await nextMessage(child, exited);
  if (first?.kind !== 'ready')
    throw new Error(`${bundle} cannot be imported:\n${first?.kind === 'broken' ? first.message : ''}${output}`);

  const start = (event: unknown = {}, { timeout = 30_000 }: InvokeOptions = {}): Running => {
    const began = performance.now();
    const requestId = randomUUID();
    let response: Invocation['response'];
    const { promise, resolve } = Promise.withResolvers<NonNullable<Invocation['response']>>();
    child.send({ event, timeout, requestId } satisfies ToChild);
    const done = (async (): Promise<Invocation> => {
      for (;;) {
        const message = await nextMessage(child, exited);
        const ms = performance.now() - began;
        if (message?.kind === 'response') {
          response = { statusCode: message.statusCode, body: message.body, ms };
          resolve(response);
          continue;
        }
        const seen = response ? { response } : {};
        if (message?.kind === 'answer') return { answer: message.answer, died: false, ms, ...seen };
        if (message?.kind === 'error') return { error: message.error, died: false, ms, ...seen };
        return { died: true, ms, ...seen };
      }
    })();
    return { response: promise, done };
  };

  return {
    initMs: first.ms,
    get output() {
      return output;
    },
    get lines() {
      return output.split('\n').flatMap(parseLine);
    },
    start,
    invoke: (event, options) => start(event, options).done,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    async stop() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

async function nextMessage(child: ChildProcess, exited: Promise<unknown>): Promise<FromChild | undefined> {
  return Promise.race([once(child, 'message').then(([message]) => message as FromChild), exited.then(() => undefined)]);
}

function parseLine(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
