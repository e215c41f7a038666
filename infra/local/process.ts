import type { Logger, Summary } from '../../shared/index.ts';
import type { WorkerService as Worker } from '../../shared/internal.ts';

/** What a process ends with when a signal ends it at once: 128 and the signal's number, as shells have it. */
const STOPS = { SIGINT: 130, SIGTERM: 143, SIGQUIT: 131, SIGHUP: 129 } as const;
/** A terminal sends Ctrl-C to each process, and npm may hand it on once more: that is no second wish. Milliseconds. */
const ECHO = 300;
/** How often to see whether the parent is still there, ms. */
const LOOK_AT_PARENT = 500;

export interface ProcessOptions {
  /** Started by npm or npx: they hand no signal on, and leave the worker behind when they end. */
  readonly underNpm: boolean;
  /** Called when signals are heeded, before the worker begins. */
  readonly onReady: () => void;
}

/**
 * Runs a worker until it ends or a signal stops it. TERM, INT, QUIT and HUP let running jobs end; a second one ends the
 * process at once. USR2 pauses it and CONT resumes it, as Resque's workers. USR1 logs what it has done so far.
 *
 * An error that nothing caught counts for the job that it came from. Where it came from none, the worker gives everything back,
 * and the process ends with 1.
 */
export async function runProcess(worker: Worker, log: Logger, options: ProcessOptions): Promise<Summary> {
  let stoppedAt: number | undefined;
  let paused = false;
  let crashing: Promise<void> | undefined;
  const crashed = Promise.withResolvers<void>();

  const stop = (why: Readonly<Record<string, string>>) => {
    stoppedAt = performance.now();
    log.info('stopping; a second signal ends at once', why);
    worker.stop();
  };
  const onStop = (signal: keyof typeof STOPS) => {
    if (stoppedAt === undefined) return stop({ signal });
    // systemd (SendSIGHUP) and shells that end send it beside another.
    if (signal === 'SIGHUP') return;
    if (options.underNpm && performance.now() - stoppedAt < ECHO) return;
    process.exit(STOPS[signal]);
  };
  const onUsr1 = () => log.info('summary', { worker: worker.id, ...worker.summary });
  const onUsr2 = () => {
    paused = true;
    log.info('paused: running jobs go on, no other is taken until SIGCONT', { signal: 'SIGUSR2' });
    worker.pause();
  };
  const onCont = () => {
    // It also comes after a stop by the terminal.
    if (!paused) return;
    paused = false;
    log.info('resumed: jobs are taken again', { signal: 'SIGCONT' });
    worker.resume();
  };
  const onEscape = (error: unknown, kind: string) => {
    if (worker.escaped(error)) return;
    process.exitCode = 1;
    log.error(`There was ${kind} that came from no job; ending, since the state is unknown`, { error });
    crashing ??= worker.crash().catch((failure: unknown) => {
      log.error('Not everything could be given back; the rest is when the lease has ended', { error: failure });
    });
    void crashing.then(crashed.resolve);
  };
  const onRejection = (error: unknown) => onEscape(error, 'a promise that was rejected');
  const onException = (error: unknown) => onEscape(error, 'an error that nothing caught');

  const signals = Object.keys(STOPS) as (keyof typeof STOPS)[];
  for (const signal of signals) process.on(signal, onStop);
  process.on('SIGUSR1', onUsr1).on('SIGUSR2', onUsr2).on('SIGCONT', onCont);
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException);
  const endWatch = options.underNpm ? onOrphaned(() => stoppedAt ?? stop({ reason: 'npm has ended' })) : () => {};
  options.onReady();
  try {
    const summary = await Promise.race([worker.run(), crashed.promise.then(() => worker.summary)]);
    await crashing;
    log.info('summary', { worker: worker.id, ...summary });
    return summary;
  } finally {
    endWatch();
    for (const signal of signals) process.off(signal, onStop);
    process.off('SIGUSR1', onUsr1).off('SIGUSR2', onUsr2).off('SIGCONT', onCont);
    process.off('unhandledRejection', onRejection).off('uncaughtException', onException);
  }
}

/** Calls once when this process has another parent than at its start. @returns ends the watch */
function onOrphaned(call: () => void): () => void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    call();
  }, LOOK_AT_PARENT).unref();
  return () => clearInterval(timer);
}
