/** What a process ends with when a signal ends it at once: 128 and the signal's number, as shells have it. */
const STOPS = { SIGINT: 130, SIGTERM: 143, SIGQUIT: 131, SIGHUP: 129 } as const;
/** A terminal sends Ctrl-C to each process, and npm may hand it on once more: that is no second wish. Milliseconds. */
const ECHO = 300;
/** How often to see whether the parent is still there, ms. */
const LOOK_AT_PARENT = 500;

type StopSignal = keyof typeof STOPS;

interface StopSignalsOptions {
  /** Started by npm or npx: they hand no signal on, and leave this process behind when they end. */
  readonly underNpm: boolean;
  /** The first time that somebody wants this process to end. */
  readonly onStop: (why: Readonly<Record<string, string>>) => void;
  /** A second signal ends the process at once; this is called before. */
  readonly onEnd?: () => void;
}

/** TERM, INT, QUIT and HUP stop a process; a second one ends it at once. So do the end of npm above it, and `stop`. */
export class StopSignals {
  readonly #options: StopSignalsOptions;
  readonly #endWatch: () => void;
  #stoppedAt: number | undefined;

  constructor(options: StopSignalsOptions) {
    this.#options = options;
    for (const signal of signals) process.on(signal, this.#onSignal);
    this.#endWatch = options.underNpm ? onOrphaned(() => this.stop({ reason: 'npm has ended' })) : () => {};
  }

  /** As the first signal does. */
  stop(why: Readonly<Record<string, string>>): void {
    if (this.#stoppedAt !== undefined) return;
    this.#stoppedAt = performance.now();
    this.#options.onStop(why);
  }

  /** From now on signals do what they do without this. */
  end(): void {
    this.#endWatch();
    for (const signal of signals) process.off(signal, this.#onSignal);
  }

  readonly #onSignal = (signal: StopSignal): void => {
    if (this.#stoppedAt === undefined) {
      this.stop({ signal });
      return;
    }
    // systemd (SendSIGHUP) and shells that end send it beside another.
    if (signal === 'SIGHUP') return;
    if (this.#options.underNpm && performance.now() - this.#stoppedAt < ECHO) return;
    this.#options.onEnd?.();
    process.exit(STOPS[signal]);
  };
}

const signals = Object.keys(STOPS) as StopSignal[];

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
