import { LambdesqueError } from '../../../../../shared/index.ts';

/** The alternate screen, without a cursor and without breaking lines that are too long; and all of it back. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const END_OF_LINE = '\u001b[K';
const END_OF_SCREEN = '\u001b[J';
/** Columns and rows of a terminal that does not say. */
const USUAL = { columns: 80, rows: 24 };
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** A terminal that a program has for itself, until `close`; whatever ends the program, it is as it was before. */
export interface Screen {
  readonly size: Size;
  draw(lines: readonly string[]): void;
  close(): void;
}

interface ScreenEvents {
  readonly key: (key: string) => void;
  readonly resize: () => void;
  /** By a signal. @param code exit code */
  readonly end: (code: number) => void;
}

export function openScreen({ key, resize, end }: ScreenEvents): Screen {
  const { stdin, stdout } = process;
  if (!stdout.isTTY || !stdin.isTTY) throw new LambdesqueError('There is no terminal to draw on. Give --once.');
  let open = false;
  const enter = () => {
    if (open) return;
    open = true;
    stdin.setRawMode(true);
    stdin.resume();
    stdout.write(ENTER);
  };
  const leave = () => {
    if (!open) return;
    open = false;
    stdout.write(LEAVE);
    stdin.setRawMode(false);
    stdin.pause();
  };
  const onKey = (text: Buffer | string) => {
    for (const one of keysOf(String(text))) {
      if (one === 'ctrl-z') {
        leave();
        process.kill(process.pid, 'SIGSTOP');
      } else key(one);
    }
  };
  const onContinue = () => {
    enter();
    resize();
  };
  const onSignal = (signal: NodeJS.Signals) => end(128 + (SIGNALS[signal as keyof typeof SIGNALS] ?? 0));
  stdin.on('data', onKey);
  stdout.on('resize', resize);
  process.on('SIGCONT', onContinue);
  for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  // The last chance, should something throw.
  process.on('exit', leave);
  enter();
  return {
    get size() {
      return { columns: stdout.columns || USUAL.columns, rows: stdout.rows || USUAL.rows };
    },
    draw(lines) {
      if (!open) return;
      const shown = lines.slice(0, this.size.rows);
      stdout.write(`${HOME}${shown.map((line) => `${line}${END_OF_LINE}`).join('\r\n')}${END_OF_SCREEN}`);
    },
    close() {
      leave();
      stdin.off('data', onKey);
      stdout.off('resize', resize);
      process.off('SIGCONT', onContinue);
      process.off('exit', leave);
      for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
    },
  };
}

const NAMED: Readonly<Record<string, string>> = {
  '\u001b[A': 'up',
  '\u001b[B': 'down',
  '\u001bOA': 'up',
  '\u001bOB': 'down',
  '\u001b[C': 'right',
  '\u001b[D': 'left',
  '\u001b[Z': 'left',
  '\t': 'right',
  '\u0003': 'q',
  '\u001a': 'ctrl-z',
};

/** Names of the keys in what a terminal has sent: letters, `up`, `down`, `left`, `right`. */
export function keysOf(text: string): string[] {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: keys are sent as such
  return (text.match(/\u001b[[O][\d;]*[A-Za-z~]|[\s\S]/g) ?? []).map((key) => NAMED[key] ?? key);
}
