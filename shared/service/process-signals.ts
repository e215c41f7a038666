import type { Logger } from '../log.ts';
import type { Summary } from '../worker/reporter.ts';
import { StopSignals } from './stop-signals.ts';
import type { WorkerService } from './worker-service.ts';

/** What signals and errors that nothing caught ask of a worker, or of several that are one. */
type Signalled = Pick<WorkerService, 'id' | 'summary' | 'stop' | 'pause' | 'resume' | 'escaped' | 'crash'>;

interface ProcessSignalsOptions {
  /** Started by npm or npx: they hand no signal on, and leave the worker behind when they end. @default false */
  readonly underNpm?: boolean;
  /** Called when signals are heeded, before the worker begins. */
  readonly onReady?: () => void;
  /** Called when a signal stops the worker. */
  readonly onStop?: () => void;
}

/**
 * Runs a worker until it ends or a signal stops it. TERM, INT, QUIT and HUP let running jobs end; a second one ends the
 * process at once. USR2 pauses it and CONT resumes it, as Resque's workers. USR1 logs what it has done so far.
 *
 * An error that nothing caught counts for the job that it came from. Where it came from none, the worker gives everything back,
 * and the process ends with 1.
 * @param run starts the worker
 */
export async function runWithSignals(
  worker: Signalled,
  log: Logger,
  options: ProcessSignalsOptions,
  run: () => Promise<Summary>,
): Promise<Summary> {
  let paused = false;
  let crashing: Promise<void> | undefined;
  const crashed = Promise.withResolvers<void>();

  const stops = new StopSignals({
    underNpm: options.underNpm ?? false,
    onStop: (why) => {
      options.onStop?.();
      log.info('stopping; a second signal ends at once', why);
      worker.stop();
    },
  });
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

  process.on('SIGUSR1', onUsr1).on('SIGUSR2', onUsr2).on('SIGCONT', onCont);
  process.on('unhandledRejection', onRejection).on('uncaughtException', onException);
  options.onReady?.();
  try {
    const summary = await Promise.race([run(), crashed.promise.then(() => worker.summary)]);
    await crashing;
    return summary;
  } finally {
    stops.end();
    process.off('SIGUSR1', onUsr1).off('SIGUSR2', onUsr2).off('SIGCONT', onCont);
    process.off('unhandledRejection', onRejection).off('uncaughtException', onException);
  }
}
