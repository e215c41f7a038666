import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createLogger } from '../../infra/local/log.ts';
import { LineOutput } from '../../infra/local/output.ts';
import { PipeSink, type Sink } from '../../infra/local/pipe-sink.ts';

/** Takes everything, until it is told to fail or to hold back. */
class TestSink implements Sink {
  waiting = 0;
  failing = false;
  text = '';
  writes = 0;

  write(text: string): void {
    this.writes++;
    if (this.failing) {
      // A disk may be full in the middle of a line.
      this.text += text.slice(0, 3);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    }
    this.text += text;
  }
}

/** A logger to it, whose lines are there after `flush`. */
function loggerTo(sink: Sink, terminal = false) {
  const outputs: LineOutput[] = [];
  const log = createLogger(terminal, (lostLine) => {
    const output = new LineOutput(sink, lostLine);
    outputs.push(output);
    return output;
  });
  return { log, flush: () => outputs.forEach((one) => void one.flush()) };
}

const lost = (lines: number) => `lost ${lines}\n`;

/** One line after the other, each written before the next comes. */
function apart(output: LineOutput, ...lines: readonly string[]): void {
  for (const line of lines) {
    output.write(line);
    output.flush();
  }
}

describe('lines', () => {
  test('that come alone are written at once, many in a row together and in order', async () => {
    const sink = new TestSink();
    const output = new LineOutput(sink, lost);
    output.write('alone\n');
    expect(sink.writes).toBe(1);
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`);
    for (const line of lines) output.write(line);
    await new Promise(setImmediate);
    expect(sink.text).toBe(`alone\n${lines.join('')}`);
    expect(sink.writes).toBeLessThan(1_000);
  });

  test('that a handler which blocks leaves behind are not held back for longer than two milliseconds of quick ones', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1_000);
    onTestFinished(() => now.mockRestore());
    const sink = new TestSink();
    const output = new LineOutput(sink, lost);
    output.write('a\n');
    output.write('b\n');
    expect(sink.text).toBe('a\n');
    now.mockReturnValue(1_002);
    output.write('c\n');
    expect(sink.text).toBe('a\nb\nc\n');
  });
});

describe('lines that cannot be written', () => {
  test('are dropped, counted, and told when it works again, on a line of their own', () => {
    const sink = new TestSink();
    const output = new LineOutput(sink, lost);
    apart(output, 'first\n');
    sink.failing = true;
    apart(output, 'gone\n', 'gone\n');
    for (let i = 0; i < 3; i++) output.write('gone together\n');
    output.flush();
    sink.failing = false;
    apart(output, 'again\n', 'last\n');
    expect(sink.text.split('\n').filter((line) => !/^(gon|lo)?\s*$/.test(line))).toEqual([
      'first',
      'lost 5',
      'again',
      'last',
    ]);
  });

  test('are not kept for a reader that takes nothing', () => {
    const sink = new TestSink();
    const output = new LineOutput(sink, lost);
    sink.waiting = 20_000_000;
    for (let i = 0; i < 3; i++) output.write('gone\n');
    sink.waiting = 0;
    apart(output, 'again\n');
    expect(sink.text).toBe('lost 3\nagain\n');
  });

  test.each([true, false])('do not disturb who logs (terminal: %s)', (terminal) => {
    const sink = new TestSink();
    const { log, flush } = loggerTo(sink, terminal);
    sink.failing = true;
    expect(() => log.child({ class: 'Mail' }).error('failed', { error: new Error('x') })).not.toThrow();
    flush();
    sink.failing = false;
    log.info('back');
    flush();
    expect(sink.text).toMatch(/lost.*back/s);
  });
});

describe('a pipe', () => {
  /** A pipe with so much room; its reader takes something when it is told, or each time somebody looks. */
  function pipe(room: number, { takes = 0 } = {}) {
    const state = { room, takes, text: '', gone: false, looks: 0 };
    const sink = new PipeSink(
      () => false,
      (bytes) => {
        state.looks++;
        if (state.gone) throw Object.assign(new Error('EPIPE'), { code: 'EPIPE' });
        const part = bytes.subarray(0, state.room);
        state.room += state.takes;
        if (part.length === 0) throw Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' });
        state.room -= part.length;
        state.text += part.toString();
        return part.length;
      },
    );
    return { state, sink };
  }

  test('whose reader is slow is waited for, and gets every byte in order', () => {
    const { state, sink } = pipe(5, { takes: 3 });
    for (let i = 0; i < 20; i++) sink.write(`line ${i}\n`);
    expect(sink.waiting).toBe(0);
    expect(state.text).toBe(Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join(''));
  });

  test('whose reader takes nothing is waited for once; it gets all when it takes something again', async () => {
    const { state, sink } = pipe(5);
    sink.write('12345678');
    const looks = state.looks;
    for (let i = 0; i < 1_000; i++) sink.write('x');
    expect(state.looks - looks).toBeLessThanOrEqual(1_000);
    expect(sink.waiting).toBe(1_003);
    state.room = 100;
    state.takes = 100;
    await sink.flush?.();
    expect(sink.waiting).toBe(0);
    expect(state.text).toBe(`12345678${'x'.repeat(1_000)}`);
  });

  test('whose reader is gone throws to who writes, and keeps nothing', async () => {
    const { state, sink } = pipe(5);
    sink.write('12345678');
    state.gone = true;
    expect(() => sink.write('x')).toThrow('EPIPE');
    expect(sink.waiting).toBe(0);
    await sink.flush?.();
  });
});

describe('a line of JSON', () => {
  const textOf = (write: (log: ReturnType<typeof createLogger>) => void) => {
    const sink = new TestSink();
    const { log, flush } = loggerTo(sink);
    write(log);
    flush();
    return sink.text;
  };
  const lineOf = (write: (log: ReturnType<typeof createLogger>) => void) =>
    JSON.parse(textOf(write)) as Record<string, unknown>;

  test('has an error as its name and message, and its stack beside it', () => {
    const error = Object.assign(new TypeError('boom'), { command: 'SECRET' });
    const line = lineOf((log) => log.child({ queue: 'q' }).error('it broke', { error, jobs: 3 }));
    expect(line).toMatchObject({ level: 'error', msg: 'it broke', queue: 'q', jobs: 3, error: 'TypeError: boom' });
    expect(line['stack']).toMatch(/local-output\.test\.ts:\d+:\d+/);
    expect(JSON.stringify(line)).not.toContain('SECRET');
  });

  test('has long integers as they are, and whatever else was given', () => {
    expect(lineOf((log) => log.info('x', { error: 'text' }))).toMatchObject({ error: 'text' });
    expect(textOf((log) => log.info('x', { args: [12345678901234567890n] }))).toContain('[12345678901234567890]');
  });

  test('tells what JSON cannot say, and throws nothing to who logs', () => {
    const circle: Record<string, unknown> = { n: 1n };
    circle['self'] = circle;
    const line = lineOf((log) => log.info('x', { circle, jobs: 3, nothing: undefined }));
    expect(line).toMatchObject({
      msg: 'x',
      jobs: 3,
      circle: expect.stringMatching(/cannot be written: TypeError.*circular/),
    });
  });
});
