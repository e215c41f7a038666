import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sleep } from '../../shared/clock.ts';
import { ManualClock } from '../helpers/manual-clock.ts';
import { recordingLogger } from '../helpers/recording-logger.ts';

describe('ManualClock', () => {
  test('fires due timers in time order, each at its time; equal times in the order they were set', async () => {
    const clock = new ManualClock(1_000);
    const fired: string[] = [];
    const at = (ms: number, name: string) => clock.after(ms, () => fired.push(`${name}@${clock.now()}`));
    at(30, 'c');
    at(10, 'a');
    at(30, 'd');
    at(20, 'b');
    at(41, 'later');
    await clock.advance(40);
    expect(fired).toEqual(['a@1010', 'b@1020', 'c@1030', 'd@1030']);
    expect(clock.now()).toBe(1_040);
    expect(clock.pending).toBe(1);
  });

  test('a timer that is set on the way fires in the same advance, if it is due', async () => {
    const clock = new ManualClock(0);
    const fired: number[] = [];
    const again = () => {
      fired.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(35);
    expect(fired).toEqual([10, 20, 30]);
  });

  test('promises and immediates run between two timers', async () => {
    const clock = new ManualClock(0);
    const events: string[] = [];
    clock.after(1, () => {
      events.push('first');
      void Promise.resolve()
        .then(() => turn())
        .then(() => events.push('between'));
    });
    clock.after(1, () => events.push('second'));
    await clock.advance(1);
    expect(events).toEqual(['first', 'between', 'second']);
  });

  test('what was set before the advance, in promises, counts as well', async () => {
    const clock = new ManualClock(0);
    let slept = 0;
    const sleeper = Promise.resolve().then(async () => {
      await sleep(clock, 10);
      slept = clock.now();
    });
    await clock.advance(10);
    await sleeper;
    expect(slept).toBe(10);
  });

  test('a cancelled timer does not fire, an overdue one fires at once, and one for never never', async () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    clock.after(5, () => fired.push('cancelled'))();
    clock.after(-5, () => fired.push('overdue'));
    clock.after(Infinity, () => fired.push('never'));
    await clock.advance(0);
    expect(fired).toEqual(['overdue']);
    await clock.advance(1e9);
    expect(fired).toEqual(['overdue']);
    expect(clock.now()).toBe(1e9);
  });

  test('what becomes due while a handler keeps the processor fires late', async () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    clock.after(10, () => {
      fired.push(`long@${clock.now()}`);
      clock.block(30);
    });
    clock.after(20, () => fired.push(`late@${clock.now()}`));
    await clock.advance(15);
    expect(clock.now()).toBe(40);
    expect(fired).toEqual(['long@10']);
    await clock.advance(0);
    expect(fired).toEqual(['long@10', 'late@40']);
  });
});

describe('recordingLogger', () => {
  test('keeps level, message and fields, with those of the children', () => {
    const log = recordingLogger();
    log.debug('a');
    log.child({ id: 1, queue: 'q' }).child({ id: 2 }).warn('b', { ms: 3 });
    log.error('c', { x: 1 });
    expect(log.lines).toEqual([
      { level: 'debug', message: 'a', fields: {} },
      { level: 'warn', message: 'b', fields: { id: 2, queue: 'q', ms: 3 } },
      { level: 'error', message: 'c', fields: { x: 1 } },
    ]);
  });
});
