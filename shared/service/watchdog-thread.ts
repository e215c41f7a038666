import { write } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { PLACE_SIZE, type WatchdogData } from './watchdog.ts';

/** The watchdog's thread: see watchdog.ts. */

const { beats, lengths, texts, tick, limit, lease } = workerData as WatchdogData;
/** How long the main thread may take to say where it is, ms, on a machine that is busy as well; in native code it cannot. */
const ASK_LIMIT = 5_000;
/** How long the line may take to be written before the process ends without it, ms. */
const WRITE_LIMIT = 1_000;

let last = Atomics.load(beats, 0);
let still = 0;
let ending = false;
setInterval(() => {
  const now = Atomics.load(beats, 0);
  still = now === last ? still + 1 : 0;
  last = now;
  if (still < limit || ending) return;
  ending = true;
  void end().finally(() => {
    ending = false;
  });
}, tick);

async function end(): Promise<void> {
  const place = await whereItIs().catch(() => undefined);
  await sleep(2 * tick);
  // It was only slow, and has gone on.
  if (still === 0) return;
  const jobs = running();
  const line =
    `lambdesque: the event loop stood still for longer than the lease of ${lease / 1_000} s${place ?? ', in code that is not JavaScript'}. ` +
    `Running: ${jobs.length === 0 ? 'no job' : jobs.join(', ')}. ` +
    'This process ends itself with SIGKILL, and its jobs go to others; whatever supervises it should start it again.\n';
  await Promise.race([new Promise((resolve) => write(2, line, resolve)), sleep(WRITE_LIMIT)]);
  process.kill(process.pid, 'SIGKILL');
}

function running(): string[] {
  const decoder = new TextDecoder();
  const found: string[] = [];
  for (let i = 0; i < lengths.length; i++) {
    const length = Atomics.load(lengths, i);
    // Not as shared memory, which the decoder does not take.
    if (length > 0)
      found.push(decoder.decode(Uint8Array.from(texts.subarray(i * PLACE_SIZE, i * PLACE_SIZE + length))));
  }
  return found.map((one) => one.replace(/[\p{Cc}\ufffd]/gu, '?'));
}

/** The line of the user's code at which the main thread is, asked as a debugger does: that interrupts an endless loop. */
async function whereItIs(): Promise<string | undefined> {
  const session = new Session();
  session.connectToMainThread();
  const paused = new Promise<string>((resolve) => {
    session.once('Debugger.paused', ({ params }) => resolve(params.callFrames[0]?.callFrameId ?? ''));
  });
  const ask = async (): Promise<string> => {
    await session.post('Debugger.enable');
    await session.post('Debugger.pause');
    const { result } = await session.post('Debugger.evaluateOnCallFrame', {
      callFrameId: await paused,
      expression: 'new Error().stack',
      silent: true,
    });
    return String(result.value);
  };
  const stack = await Promise.race([ask(), sleep(ASK_LIMIT, undefined)]);
  // And it runs on.
  session.disconnect();
  if (stack === undefined) return undefined;
  const { errorFields } = await import('../wire/failed-entry.ts');
  // The first line is that of the question.
  const asked = stack.replace(/\n\s+at eval \(.*/, '');
  const [line = ''] = (errorFields(Object.assign(new Error('stuck'), { stack: asked })).stack ?? '').split('\n');
  return ` ${line}`;
}
