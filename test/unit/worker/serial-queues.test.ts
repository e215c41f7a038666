import { describe, expect, test } from 'vitest';
import { parseQueues } from '../../../shared/queues/queue-list.ts';
import { SerialQueues } from '../../../shared/worker/serial-queues.ts';

const options = { ahead: 100, batchCount: 1_000 };

describe('which queues are serial', () => {
  test('none, where none was named', () => {
    expect(new SerialQueues(options).has('ledger')).toBe(false);
  });

  test('those that Redis says are, where none was named', () => {
    const serial = new SerialQueues(options);
    expect(serial.has('ledger')).toBe(false);
    serial.learn(['ledger']);
    expect(['ledger', 'mail'].filter(serial.has)).toEqual(['ledger']);
  });

  test('those that were named, also by a glob', () => {
    const serial = new SerialQueues(options, parseQueues('ledger,acc_*,!acc_old'));
    expect(['ledger', 'acc_1', 'acc_old', 'mail'].filter(serial.has)).toEqual(['ledger', 'acc_1']);
  });

  test('and those that Redis says are, also after they were asked for', () => {
    const serial = new SerialQueues(options, parseQueues('ledger'));
    expect(serial.has('books')).toBe(false);
    serial.learn(['books']);
    expect(['ledger', 'books', 'mail'].filter(serial.has)).toEqual(['ledger', 'books']);
  });
});

describe('how many of one to reserve', () => {
  test('is known for each of them: at first one', () => {
    const serial = new SerialQueues(options);
    const ledger = serial.prefetch('ledger');
    expect(serial.prefetch('ledger')).toBe(ledger);
    expect(serial.prefetch('books')).not.toBe(ledger);
    expect([ledger.want(1, 0), ledger.want(1, 1)]).toEqual([1, 0]);
  });

  /** Jobs of 2 ms each that run one after the other, while others wait. */
  function ran(serial: SerialQueues, jobs: number) {
    for (let i = 0; i < jobs; i++) {
      serial.prefetch('ledger').jobStarted();
      serial.note('ledger', 2 * i, 5, true);
      serial.prefetch('ledger').jobEnded();
      serial.note('ledger', 2 * i + 2, 5, false);
    }
  }

  test('follows its rate, so that its one worker is not kept waiting for Redis', () => {
    const serial = new SerialQueues(options);
    serial.held.add('ledger');
    ran(serial, 100);
    expect(serial.prefetch('ledger').ahead).toBe(0);
    serial.measure();
    expect(serial.prefetch('ledger').ahead).toBe(50);
    serial.prefetch('ledger').answered(100);
    expect(serial.prefetch('ledger').ahead).toBe(150);
    expect(serial.prefetch('books').ahead).toBe(0);
  });

  test('is measured only while this worker has jobs of it', () => {
    const serial = new SerialQueues(options);
    ran(serial, 100);
    serial.measure();
    expect(serial.prefetch('ledger').ahead).toBe(0);
  });
});
