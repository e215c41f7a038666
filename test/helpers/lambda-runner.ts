/**
 * Runs a bundle as Lambda does: under AWS's own runtime client, in a process of its own, one invocation at a time.
 *
 * The process gets nothing of this one's environment. It ends with `stop`, with `kill`, by itself, or when an invocation is
 * not over in its time, as Lambda's environments do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { endWithProcess } from './end-with-process.ts';
import { type RuntimeError, startRuntimeApi } from './runtime-api.ts';
import { runtimeClient } from './runtime-client.ts';

export interface LambdaOptions {
  /** The bundle's file. */
  readonly bundle: string;
  /** What `LAMBDESQUE_SETTINGS` holds; any JSON, or a text that is none. @default the variable is not set */
  readonly settings?: unknown;
  /** More variables. @default none */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds by which its clock is ahead of ours. @default 0 */
  readonly clockOffset?: number;
  /** MB for JavaScript's heap. @default as much as Node takes */
  readonly heap?: number;
  /** X-Ray takes its invocations. @default false */
  readonly traced?: boolean;
}

export interface Invocation {
  readonly requestId: string;
  /** What the handler returned. */
  readonly answer?: unknown;
  /** What the runtime told Lambda: it counts as an error, and the event goes to the failure queue. */
  readonly error?: { readonly name: string; readonly message: string };
  /** Its process is gone: it was not over in its time, or ended by itself. */
  readonly died: boolean;
  /** How the process ended, where it did: an exit code, or a signal's name. */
  readonly exit?: number | string;
  /** Milliseconds until it was over. */
  readonly ms: number;
}

export interface InvokeOptions {
  /** Milliseconds. @default 30000 */
  readonly timeout?: number;
}

export interface TestLambda {
  /** What the import of the bundle took, ms. */
  readonly initMs: number;
  /** All that it printed. */
  readonly output: string;
  /** Its lines that are JSON. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  invoke(event?: unknown, options?: InvokeOptions): Promise<Invocation>;
  /** SIGKILL, and waits until the process is gone. */
  kill(): Promise<void>;
  /** As Lambda ends an environment that it needs no more. */
  stop(): Promise<void>;
}

export const FUNCTION_NAME = 'fn-under-test';
const TRANSPORT = new URL('./runtime-transport.ts', import.meta.url);
let compiled: URL | undefined;

/** Without its types: what takes them out would be a part of what is measured, 20 MB of memory among it. */
function transportProgram(): URL {
  if (!compiled) {
    const { code } = transformSync(readFileSync(TRANSPORT, 'utf8'), { loader: 'ts', format: 'esm' });
    const folder = mkdtempSync(join(tmpdir(), 'lambdesque-transport-'));
    endWithProcess(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'runtime-transport.mjs');
    writeFileSync(file, code);
    compiled = pathToFileURL(file);
  }
  return compiled;
}
const children = new Set<ChildProcess>();
endWithProcess(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** What Node.js is started with to be an environment: arguments and variables, but for where its Runtime API is. */
export async function runtimeProcess(options: LambdaOptions) {
  const { bundle, settings, env = {}, clockOffset = 0, heap } = options;
  const transport = new URL(transportProgram());
  transport.searchParams.set('clock', String(clockOffset));
  const flags = ['--import', transport.href, ...(heap === undefined ? [] : [`--max-old-space-size=${heap}`])];
  return {
    command: [...flags, await runtimeClient()],
    env: {
      AWS_LAMBDA_FUNCTION_NAME: FUNCTION_NAME,
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${FUNCTION_NAME}`,
      AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/01/[$LATEST]0',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      ...env,
      _HANDLER: 'index.handler',
      LAMBDA_TASK_ROOT: dirname(bundle),
      TZ: ':UTC',
      ...(settings === undefined
        ? {}
        : { LAMBDESQUE_SETTINGS: typeof settings === 'string' ? settings : JSON.stringify(settings) }),
    },
  };
}

/** @throws if the bundle cannot be imported, with what it printed */
export async function startLambda(options: LambdaOptions): Promise<TestLambda> {
  const { bundle, clockOffset = 0, traced = false } = options;
  const api = await startRuntimeApi(`arn:aws:lambda:eu-central-1:123456789012:function:${FUNCTION_NAME}`);
  const { command, env } = await runtimeProcess(options);
  const child = spawn(process.execPath, command, {
    cwd: dirname(bundle),
    env: { ...env, AWS_LAMBDA_RUNTIME_API: api.address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let output = '';
  const readers = new Set<() => void>();
  const printed = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!output.includes(text)) return;
        readers.delete(look);
        resolve();
      };
      readers.add(look);
      look();
    });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const look of readers) look();
    });
  }
  // `close`, not `exit`: all that it printed has arrived.
  const ended: Promise<number | string> = once(child, 'close').then(([code, signal]) => {
    children.delete(child);
    api.stop();
    return code ?? signal;
  });

  const broken = ended.then((exit) => Promise.reject(new Error(`it ended with ${exit}`)));
  broken.catch(() => {});
  let initMs: number;
  try {
    initMs = await Promise.race([api.ready, broken]);
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    const { errorType, errorMessage } = error as Partial<RuntimeError>;
    const why = errorType === undefined ? (error as Error).message : `${errorType}: ${errorMessage}`;
    throw new Error(`${bundle} cannot be imported: ${why}\n${output}`);
  }

  return {
    initMs,
    get output() {
      return output;
    },
    get lines() {
      return output.split('\n').flatMap(parseLine);
    },
    async invoke(event = {}, { timeout = 30_000 } = {}) {
      const began = performance.now();
      const requestId = randomUUID();
      const timer = setTimeout(() => {
        output += `${requestId} Task timed out after ${(timeout / 1_000).toFixed(2)} seconds\n`;
        child.kill('SIGKILL');
      }, timeout);
      const traceId = `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=${Number(traced)}`;
      const order = { requestId, event, traceId, deadline: Date.now() + clockOffset + timeout };
      const over = await Promise.race([api.invoke(order), ended.then((exit) => ({ exit }))]);
      clearTimeout(timer);
      const seen = { requestId, ms: performance.now() - began };
      // What it printed comes by another way than its answer, and may be later.
      await Promise.race([printed(`END RequestId: ${requestId}`), ended]);
      if ('exit' in over) return { ...seen, died: true, exit: over.exit };
      if ('answer' in over) return { ...seen, died: false, answer: over.answer };
      const { errorType: name, errorMessage: message } = over.error;
      return { ...seen, died: false, error: { name, message } };
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A line of JSON, or nothing. */
export function parseLine(line: string): Record<string, unknown>[] {
  if (!line.startsWith('{')) return [];
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
