/**
 * AWS's Runtime Interface Emulator: the program that is the Runtime API in AWS's own container images, with its timeouts
 * and what it makes of an environment that is gone. Built from Go's module proxy when first asked for, where there is Go,
 * and kept in node_modules/.cache.
 * @see https://github.com/aws/aws-lambda-runtime-interface-emulator
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { endWithProcess } from './end-with-process.ts';
import { eventually } from './eventually.ts';
import { type LambdaOptions, parseLine, runtimeProcess } from './lambda-runner.ts';
import { freePort } from './redis-server.ts';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));
const MODULE = 'github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie';
/** Go's checksum database vouches for what it is. */
export const VERSION = 'v0.0.0-20261030222936-bef5c4ba774d';

export interface EmulatedLambda {
  /** All that the function and the emulator printed. */
  readonly output: string;
  /** Its lines that are JSON. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** @returns what a caller of the function gets: its answer, or the error that AWS makes of it */
  invoke(event?: unknown): Promise<unknown>;
  /** Ends the environment. */
  stop(): Promise<void>;
}

/** @returns its path, or why there is none here */
export async function runtimeEmulator(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const program = join(CACHE, `aws-lambda-rie-${VERSION}`);
  if (await exists(program)) return { program };
  if (process.platform !== 'linux') return { missing: 'it runs on Linux only' };
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(join(CACHE, 'aws-lambda-rie-'));
  try {
    await run('go', ['install', `${MODULE}@${VERSION}`], { env: { ...process.env, GOBIN: fresh }, timeout: 300_000 });
    await rename(join(fresh, 'aws-lambda-rie'), program);
    return { program };
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    return { missing: code === 'ENOENT' ? 'there is no Go' : `Go does not build it: ${stderr.trim() || error}` };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** @param timeout of the function, in whole seconds */
export async function startEmulated(
  program: string,
  { timeout, ...options }: Omit<LambdaOptions, 'traced'> & { readonly timeout: number },
): Promise<EmulatedLambda> {
  const { command, env } = await runtimeProcess(options);
  const [front, api] = [await freePort(), await freePort()];
  const child = spawn(
    program,
    [
      `--runtime-interface-emulator-address=127.0.0.1:${front}`,
      `--runtime-api-address=127.0.0.1:${api}`,
      process.execPath,
      ...command,
      env._HANDLER,
    ],
    {
      cwd: dirname(options.bundle),
      // With the environment that it starts.
      detached: true,
      env: { ...env, AWS_LAMBDA_FUNCTION_TIMEOUT: String(timeout), LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It is gone.
    }
  };
  const ended = endWithProcess(kill);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const url = `http://127.0.0.1:${front}/2015-03-31/functions/function/invocations`;
  // It says nothing when it listens; at any other path it answers that there is none.
  await eventually(() => fetch(new URL('/', url)));
  return {
    get output() {
      return output;
    },
    get lines() {
      return output.split('\n').flatMap(parseLine);
    },
    async invoke(event = {}) {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(event) });
      const text = await response.text();
      try {
        return JSON.parse(text);
      } catch {
        return text;
      }
    },
    async stop() {
      ended();
      const closed = child.exitCode === null ? once(child, 'close') : undefined;
      kill();
      await closed;
    },
  };
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

if (import.meta.main ?? process.argv[1] === import.meta.filename) console.log(await runtimeEmulator());
