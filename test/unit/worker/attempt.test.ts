import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { ArgumentsError, ShutdownError } from '../../../shared/errors.ts';
import type { JobContext } from '../../../shared/job/context.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { prepare, start, succeeded } from './attempt-scene.ts';

type Settle = (value: unknown) => void;

/** Something with a `then`, which a literal had better not have. */
function thenable(then: unknown): object {
  return Object.fromEntries([['then', then]]);
}

const boom = new Error('boom');
const stop = new ShutdownError('stopping');

describe('a handler that is synchronous', () => {
  test.each([[undefined], [null], [42], ['text'], [{}], [thenable('no function')]])(
    'and returns %j succeeds at once',
    (value) => {
      expect(start(() => value).ends).toEqual([succeeded]);
    },
  );

  test.each([[boom], ['a string'], [null], [undefined], [0]])('and throws %s fails with that', (thrown) => {
    const { ends } = start(() => {
      throw thrown;
    });
    expect(ends).toEqual([{ ok: false, thrown }]);
  });
});

describe('a handler that is asynchronous', () => {
  test('ends when it resolves', async () => {
    let finish = () => {};
    const { clock, ends } = start(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await clock.advance(1_000);
    expect(ends).toEqual([]);
    finish();
    await clock.advance(0);
    expect(ends).toEqual([succeeded]);
  });

  test.each([[boom], ['a string'], [null], [undefined]])('fails with the %s that it rejects with', async (thrown) => {
    const { clock, ends } = start(() => Promise.reject(thrown));
    await clock.advance(0);
    expect(ends).toEqual([{ ok: false, thrown }]);
  });

  test('may return any thenable', () => {
    const resolving = (resolve: Settle) => resolve(1);
    const rejecting = (_resolve: Settle, reject: Settle) => reject(boom);
    expect(start(() => thenable(resolving)).ends).toEqual([succeeded]);
    expect(start(() => thenable(rejecting)).ends).toEqual([{ ok: false, thrown: boom }]);
  });

  test('with a thenable that settles again and again, or throws after it has settled, ends once', () => {
    const again = (resolve: Settle, reject: Settle) => {
      reject(boom);
      reject(new Error('again'));
      resolve(1);
      throw new Error('and again');
    };
    expect(start(() => thenable(again)).ends).toEqual([{ ok: false, thrown: boom }]);
  });

  test('with a `then` that cannot be read fails', () => {
    const unreadable = Object.defineProperty({}, 'then', {
      get() {
        throw boom;
      },
    });
    expect(start(() => unreadable).ends).toEqual([{ ok: false, thrown: boom }]);
  });
});

describe('arguments', () => {
  test('reach the handler as the schema transforms them', () => {
    const seen: unknown[] = [];
    const Report = defineJob({
      class: 'Report',
      args: z.tuple([z.string().transform((text) => text.length), z.object({ copies: z.number().default(1) })]),
      perform: (args) => seen.push(args),
    });
    const { attempt, ends } = prepare(Report, { job: { args: ['four', {}] } });
    attempt.start();
    expect(seen).toEqual([[4, { copies: 1 }]]);
    expect(ends).toEqual([succeeded]);
  });

  test('that the schema refuses end the attempt before the handler begins', () => {
    const perform = vi.fn();
    const { attempt, ends } = prepare(defineJob({ class: 'Hello', args: z.tuple([z.string()]), perform }), {
      job: { args: [1] },
    });
    attempt.start();
    expect(ends).toEqual([{ ok: false, thrown: expect.any(ArgumentsError) }]);
    expect(perform).not.toHaveBeenCalled();
  });

  test('are checked by an asynchronous schema as well', async () => {
    const perform = vi.fn(async () => {});
    const free = z.string().refine(async (name) => name !== 'taken', 'That name is taken');
    const Hello = defineJob({ class: 'Hello', args: z.tuple([free]), perform });
    const good = prepare(Hello, { job: { args: ['free'] } });
    const bad = prepare(Hello, { job: { args: ['taken'] } });
    good.attempt.start();
    bad.attempt.start();
    await good.clock.advance(0);
    expect(good.ends).toEqual([succeeded]);
    expect(bad.ends).toEqual([{ ok: false, thrown: expect.any(ArgumentsError) }]);
    expect(perform.mock.calls).toEqual([[['free'], good.attempt]]);
  });
});

describe('an abort', () => {
  test('reaches the handler through its signal, with the reason', async () => {
    const { attempt, clock, ends } = start(
      (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    );
    attempt.abort(stop, 1_000);
    await clock.advance(0);
    expect(ends).toEqual([{ ok: false, thrown: stop }]);
    expect(attempt.aborted).toBe(stop);
  });

  test('is seen by a handler that asks only afterwards', async () => {
    let context: JobContext | undefined;
    const { attempt } = start(async (_args, ctx) => {
      context = ctx;
      await new Promise(() => {});
    });
    attempt.abort(stop, 0);
    expect(context?.signal).toMatchObject({ aborted: true, reason: stop });
    expect(context?.signal).toBe(context?.signal);
  });

  test('gives the handler its grace; the second one changes nothing', async () => {
    const { attempt, clock } = start(() => new Promise(() => {}));
    expect(attempt.endsAt).toBe(Infinity);
    attempt.abort(stop, 1_000);
    const { endsAt } = attempt;
    expect(endsAt).toBe(clock.now() + 1_000);
    await clock.advance(500);
    attempt.abort(boom, 1_000);
    expect(attempt).toMatchObject({ aborted: stop, endsAt });
  });

  test('does not undo what a handler achieves in spite of it', async () => {
    let finish = () => {};
    const { attempt, clock, ends } = start(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    attempt.abort(stop, 1_000);
    finish();
    await clock.advance(0);
    expect(ends).toEqual([succeeded]);
  });

  test('comes too late for what has ended', () => {
    const { attempt } = start(() => {});
    attempt.abort(stop, 1_000);
    expect(attempt).toMatchObject({ aborted: undefined, endsAt: Infinity });
  });
});

describe('abandoned', () => {
  test.each<[string, (settle: { resolve: () => void; reject: (reason: unknown) => void }) => void]>([
    ['resolves', ({ resolve }) => resolve()],
    ['rejects', ({ reject }) => reject(boom)],
  ])('it fails with the reason of the abort, and counts no more when it %s later', async (_what, settle) => {
    const handler = Promise.withResolvers<void>();
    const { attempt, clock, ends } = start(() => handler.promise);
    attempt.abort(stop, 1_000);
    attempt.abandon();
    expect(ends).toEqual([{ ok: false, thrown: stop }]);
    settle(handler);
    await clock.advance(0);
    expect(ends).toHaveLength(1);
  });

  test('before an asynchronous schema has answered, its handler does not begin any more', async () => {
    const perform = vi.fn();
    const slow = z.string().refine(async () => true);
    const { attempt, clock, ends } = prepare(defineJob({ class: 'Hello', args: z.tuple([slow]), perform }), {
      job: { args: ['hi'] },
    });
    attempt.start();
    attempt.abort(stop, 0);
    attempt.abandon();
    await clock.advance(0);
    expect(ends).toEqual([{ ok: false, thrown: stop }]);
    expect(perform).not.toHaveBeenCalled();
  });

  test('it changes nothing if it has ended', () => {
    const { attempt, ends } = start(() => {});
    attempt.abandon();
    expect(ends).toEqual([succeeded]);
  });
});

describe('an error that comes out of its handler by another way than its promise', () => {
  const unsettled = () => new Promise<void>(() => {});

  test('ends it with that, and aborts what the handler still does', async () => {
    let signal: AbortSignal | undefined;
    const { attempt, ends } = start((_args, ctx) => {
      signal = ctx.signal;
      return unsettled();
    });
    attempt.escaped(boom);
    expect(ends).toEqual([{ ok: false, thrown: boom }]);
    expect(signal).toMatchObject({ aborted: true, reason: boom });
  });

  test('leaves the reason for which it was being aborted', () => {
    const { attempt, ends } = start(unsettled);
    attempt.abort(stop, 1_000);
    attempt.escaped(boom);
    expect(attempt.aborted).toBe(stop);
    expect(ends).toEqual([{ ok: false, thrown: boom }]);
  });

  test('changes nothing when it has ended', () => {
    const { attempt, ends } = start(() => {});
    attempt.escaped(boom);
    expect(ends).toEqual([succeeded]);
  });
});

test('whatever the handler of a forgotten one does counts for nothing', async () => {
  const handler = Promise.withResolvers<void>();
  const { attempt, clock, ends } = start(() => handler.promise);
  attempt.forget();
  expect(attempt.ended).toBe(true);
  handler.reject(boom);
  await clock.advance(0);
  attempt.abandon();
  expect(ends).toEqual([]);
});

test('one that had to wait until it might start has all of its time from then on', async () => {
  const { attempt, clock } = prepare(defineJob({ class: 'Hello', timeout: 2_000, perform() {} }));
  await clock.advance(10_000);
  attempt.waited();
  expect(attempt).toMatchObject({ startedAt: clock.now(), timeoutAt: clock.now() + 2_000 });
});
