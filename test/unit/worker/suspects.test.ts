import { describe, expect, test } from 'vitest';
import type { Reservation, SyncReply } from '../../../shared/broker/broker.ts';
import { Suspects } from '../../../shared/worker/suspects.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

const alone = rawJob('{}', { seq: 1 });
const passed: Partial<SyncReply> = { passedOver: { forPlace: 0, forWorker: 1 } };
/** Other jobs came, and there are more: the look did not get to the end. */
const busy: Partial<SyncReply> = { more: true, jobs: [rawJob('{}', { seq: 2 })] };

function begin() {
  const clock = new ManualClock();
  const suspects = new Suspects(clock);
  const saw = (reply: Partial<SyncReply>, asked: Reservation['alone'] = 'no', all = true) =>
    suspects.reserved(syncReply(reply), asked, all);
  return { clock, suspects, saw };
}

test('where there are none, everything may be reserved', () => {
  const { suspects, saw } = begin();
  for (const reply of [{}, busy]) {
    saw(reply);
    expect([suspects.blocks(0), suspects.blocks(9), suspects.waiting]).toEqual([false, false, false]);
  }
});

describe('one that was in two deaths', () => {
  test('may come where this worker holds nothing and there is nothing else', () => {
    const { suspects } = begin();
    expect([suspects.mayTake(0), suspects.mayTake(1)]).toEqual(['ifNothingElse', 'no']);
  });

  test('lets nothing come beside it, until it has left', () => {
    const { suspects, saw } = begin();
    saw({ alone: true, jobs: [alone] }, 'ifNothingElse');
    expect([suspects.blocks(1), suspects.blocks(0)]).toEqual([true, true]);
    suspects.left(rawJob('{}', { seq: 1 }));
    expect(suspects.blocks(1)).toBe(true);
    suspects.left(alone);
    expect(suspects.blocks(1)).toBe(false);
  });

  test('is forgotten with a lost lease', () => {
    const { suspects, saw } = begin();
    saw({ alone: true, jobs: [alone] });
    suspects.reset();
    expect(suspects.blocks(1)).toBe(false);
  });

  test('that was passed over waits', () => {
    const { suspects, saw } = begin();
    saw(passed);
    expect(suspects.waiting).toBe(true);
    saw({ alone: true, jobs: [alone] });
    expect(suspects.waiting).toBe(false);
  });

  test('that only waits for a free place does not', () => {
    const { suspects, saw } = begin();
    saw({ passedOver: { forPlace: 3, forWorker: 0 } });
    expect(suspects.waiting).toBe(false);
  });
});

describe('patience', () => {
  test('lasts for a minute: then what runs has to end, and the suspect comes first', async () => {
    const { clock, suspects, saw } = begin();
    saw(passed);
    await clock.advance(59_999);
    saw(passed);
    expect([suspects.blocks(1), suspects.mayTake(0)]).toEqual([false, 'ifNothingElse']);
    await clock.advance(1);
    saw(passed);
    expect([suspects.blocks(1), suspects.blocks(0)]).toEqual([true, false]);
    expect([suspects.mayTake(1), suspects.mayTake(0)]).toEqual(['no', 'first']);
  });

  // In a queue of thousands it comes round once in a while.
  test('counts on while looks end before they come to the suspect; others go on until it is seen', async () => {
    const { clock, suspects, saw } = begin();
    saw(passed);
    for (let second = 0; second < 70; second++) {
      await clock.advance(1_000);
      saw(busy);
      expect(suspects.blocks(1)).toBe(false);
    }
    saw({ ...busy, ...passed });
    expect(suspects.blocks(1)).toBe(true);
    expect(suspects.mayTake(0)).toBe('first');
  });

  test('counts on where the look left queues out', async () => {
    const { clock, suspects, saw } = begin();
    saw(passed);
    await clock.advance(60_000);
    saw({}, 'no', false);
    saw(passed);
    expect(suspects.blocks(1)).toBe(true);
  });

  test.each<[string, Partial<SyncReply>, Reservation['alone']]>([
    ['none is left', {}, 'no'],
    ['it runs', { alone: true, jobs: [alone] }, 'ifNothingElse'],
    ['it was looked for and not found', busy, 'first'],
  ])('begins anew when %s', async (_why, reply, asked) => {
    const { clock, suspects, saw } = begin();
    saw(passed);
    await clock.advance(60_000);
    saw(reply, asked);
    suspects.left(alone);
    saw(passed);
    expect(suspects.blocks(1)).toBe(false);
    await clock.advance(60_000);
    expect(suspects.blocks(1)).toBe(true);
  });

  test('begins anew where one was looked for and another has to wait', async () => {
    const { clock, suspects, saw } = begin();
    saw(passed);
    await clock.advance(60_000);
    saw({ ...busy, ...passed }, 'first');
    expect([suspects.waiting, suspects.blocks(1)]).toEqual([true, false]);
  });
});
