import { describe, expect, test } from 'vitest';
import { gatheredPushes } from '../../../shared/client/gathered-pushes.ts';
import { CHUNK_JOBS } from '../../../shared/client/push.ts';
import { RedisTypeError, RedisUnavailableError } from '../../../shared/errors.ts';

const job = (n: number, queue = 'q') => ({ queue, payload: `${n}` });

/** A Redis whose answers come when the test says so; it refuses queues of these names. */
function scene({ refuses = new Set<string>() } = {}) {
  const requests: string[][] = [];
  const open: PromiseWithResolvers<void>[] = [];
  const gathered = gatheredPushes(async (jobs) => {
    requests.push(jobs.map(({ payload }) => payload));
    const answer = Promise.withResolvers<void>();
    open.push(answer);
    await answer.promise;
    const wrong = jobs.find(({ queue }) => refuses.has(queue));
    if (wrong) throw new RedisTypeError(`no list: ${wrong.queue}`);
  });
  const push: typeof gathered = (jobs) => {
    const call = gathered(jobs);
    // It is looked at in the end.
    call.catch(() => {});
    return call;
  };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const answer = async (error?: Error) => {
    const next = open.shift();
    if (error) next?.reject(error);
    else next?.resolve();
    await turn();
  };
  return { requests, push, turn, answer };
}

const outcomes = (calls: readonly Promise<void>[]) =>
  Promise.all(
    calls.map((call) =>
      call.then(
        () => 'pushed',
        (error: Error) => error.message,
      ),
    ),
  );

describe('pushes', () => {
  test('of one turn go in one request, in order, also behind promises that are settled', async () => {
    const { requests, push, turn, answer } = scene();
    const calls = [push([job(1)]), push([job(2), job(3)]), Promise.resolve().then(() => push([job(4)]))];
    await turn();
    expect(requests).toEqual([['1', '2', '3', '4']]);
    await answer();
    expect(await outcomes(calls)).toEqual(['pushed', 'pushed', 'pushed']);
  });

  test('that come while a request is under way wait for it, so that they keep their order', async () => {
    const { requests, push, turn, answer } = scene();
    const calls = [push([job(1)])];
    await turn();
    calls.push(push([job(2)]));
    await turn();
    calls.push(push([job(3)]));
    expect(requests).toEqual([['1']]);
    await answer();
    expect(requests).toEqual([['1'], ['2', '3']]);
    await answer();
    calls.push(push([job(4)]));
    await turn();
    expect(requests).toHaveLength(3);
    await answer();
    expect(await outcomes(calls)).toEqual(['pushed', 'pushed', 'pushed', 'pushed']);
  });

  test('of more than go in a request go in several, and each call stays whole', async () => {
    const { requests, push, turn, answer } = scene();
    const many = (from: number, count: number) => Array.from({ length: count }, (_, i) => job(from + i));
    const calls = [
      push(many(0, CHUNK_JOBS - 1)),
      push(many(5_000, 2)),
      push([{ queue: 'q', payload: 'x'.repeat(2e6) }]),
    ];
    await turn();
    for (let i = 0; i < 3; i++) await answer();
    expect(requests.map((one) => one.length)).toEqual([CHUNK_JOBS - 1, 2, 1]);
    expect(await outcomes(calls)).toEqual(['pushed', 'pushed', 'pushed']);
  });

  test('that are refused together are sent again one by one: each caller has its own error', async () => {
    const { requests, push, turn, answer } = scene({ refuses: new Set(['wrong']) });
    const calls = [push([job(1)]), push([job(2, 'wrong')]), push([job(3)])];
    await turn();
    for (let i = 0; i < 4; i++) await answer();
    expect(requests).toEqual([['1', '2', '3'], ['1'], ['2'], ['3']]);
    expect(await outcomes(calls)).toEqual(['pushed', 'no list: wrong', 'pushed']);
  });

  test('of which nobody knows whether they arrived are not sent again, and later ones are', async () => {
    const { requests, push, turn, answer } = scene();
    const calls = [push([job(1)]), push([job(2)])];
    await turn();
    calls.push(push([job(3)]));
    await answer(new RedisUnavailableError('away'));
    await answer();
    expect(requests).toEqual([['1', '2'], ['3']]);
    expect(await outcomes(calls)).toEqual(['away', 'away', 'pushed']);
  });
});
