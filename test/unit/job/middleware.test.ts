import { beforeEach, describe, expect, test } from 'vitest';
import { MiddlewareError } from '../../../shared/errors.ts';
import type { JobContext } from '../../../shared/job/context.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { compose, type Middleware } from '../../../shared/job/middleware.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { outcomeOfError } from '../../../shared/worker/outcome.ts';
import { aContext } from '../../helpers/builders.ts';

/** Middleware that tells when it begins and ends. */
function telling(events: string[], name: string): Middleware {
  return async (_ctx, next) => {
    events.push(`${name} begins`);
    const result = await next();
    events.push(`${name} ends`);
    return result;
  };
}

describe('compose', () => {
  test('the first one is outermost, perform innermost', async () => {
    const events: string[] = [];
    const run = compose([telling(events, 'a'), telling(events, 'b')], () => {
      events.push('perform');
    });
    await run(aContext);
    expect(events).toEqual(['a begins', 'b begins', 'perform', 'b ends', 'a ends']);
  });

  test('each gets the context of the run', async () => {
    const seen: unknown[] = [];
    const see: Middleware = (ctx, next) => {
      seen.push(ctx);
      return next();
    };
    await compose([see, see], (ctx) => seen.push(ctx))(aContext);
    expect(seen).toEqual([aContext, aContext, aContext]);
    expect(new Set(seen).size).toBe(1);
  });

  test('next gives what is inside returns, and a middleware may return something else', async () => {
    const results: unknown[] = [];
    const double: Middleware = async (_ctx, next) => {
      const inner = (await next()) as number;
      results.push(inner);
      return inner * 2;
    };
    expect(await compose([double, double], async () => 5)(aContext)).toBe(20);
    expect(results).toEqual([5, 10]);
  });

  test('what perform throws, at once or later, reaches the middleware as a rejection and then the caller', async () => {
    const seen: unknown[] = [];
    const see: Middleware = (_ctx, next) =>
      next().catch((error: unknown) => {
        seen.push(error);
        throw error;
      });
    const atOnce = compose([see], () => {
      throw 'at once';
    });
    const later = compose([see], () => Promise.reject('later'));
    await expect(atOnce(aContext)).rejects.toBe('at once');
    await expect(later(aContext)).rejects.toBe('later');
    expect(seen).toEqual(['at once', 'later']);
  });

  test('a middleware may take an error for success, or throw another one', async () => {
    const fail = () => Promise.reject(new Error('inner'));
    const forgive: Middleware = (_ctx, next) => next().catch(() => 'forgiven');
    const translate: Middleware = (_ctx, next) =>
      next().catch((cause: unknown) => {
        throw new Error('outer', { cause });
      });
    expect(await compose([forgive], fail)(aContext)).toBe('forgiven');
    await expect(compose([translate], fail)(aContext)).rejects.toThrow('outer');
    expect(await compose([forgive, translate], fail)(aContext)).toBe('forgiven');
  });

  test('what a middleware throws itself is the error of the run, and nothing inside it starts', async () => {
    let performed = false;
    const run = compose(
      [
        async () => {
          throw new Error('not today');
        },
      ],
      () => {
        performed = true;
      },
    );
    await expect(run(aContext)).rejects.toThrow('not today');
    expect(performed).toBe(false);
  });

  test('without a call of next the run succeeds without perform', async () => {
    let performed = false;
    const run = compose([() => 'skipped'], () => {
      performed = true;
    });
    expect(await run(aContext)).toBe('skipped');
    expect(performed).toBe(false);
  });

  test('without middleware perform is called as it is', () => {
    const perform = () => 'done';
    expect(compose([], perform)).toBe(perform);
  });
});

describe('next', () => {
  let performed = 0;
  beforeEach(() => {
    performed = 0;
  });
  const perform = async () => {
    performed++;
    await turn();
    return 'done';
  };
  const turn = () => new Promise(setImmediate);
  const twice = 'Hello: the middleware again (2 of 3) called next() twice; the handler ran once.';
  const pass: Middleware = (_ctx, next) => next();

  test.each<[string, Middleware]>([
    [
      'one after the other',
      async function again(_ctx, next) {
        await next();
        return next();
      },
    ],
    [
      'at the same time',
      async function again(_ctx, next) {
        await Promise.all([next(), next()]);
      },
    ],
    [
      'and takes no notice of the refusal',
      async function again(_ctx, next) {
        await next();
        await next().catch(() => {});
        return 'fine';
      },
    ],
    [
      'without waiting',
      function again(_ctx, next) {
        void next();
        void next();
      },
    ],
    [
      'and throws something else',
      async function again(_ctx, next) {
        await next();
        void next();
        throw new Error('else');
      },
    ],
    [
      'again and again',
      async function again(_ctx, next) {
        await next();
        for (let i = 0; i < 3; i++) await next().catch(() => {});
      },
    ],
  ])('called twice, %s, runs the handler once, and fails', async (_how, again) => {
    const error = await Promise.resolve(compose([pass, again, pass], perform)(aContext)).catch((caught) => caught);
    expect(error).toBeInstanceOf(MiddlewareError);
    expect((error as Error).message).toBe(`${twice} To try it again is what retry of defineJob is for.`);
    expect(performed).toBe(1);
  });

  test('called again after the handler failed does not try it again', async () => {
    const retrying: Middleware = (_ctx, next) => next().catch(() => next());
    const fail = () => {
      performed++;
      throw new Error('inner');
    };
    await expect(compose([retrying], fail)(aContext)).rejects.toThrow(
      'Hello: the middleware retrying (1 of 1) called next() twice',
    );
    expect(performed).toBe(1);
  });

  test('called twice sends the job to the failed list at once', () => {
    const job = { class: 'Hello', attempt: 1 };
    const run = { job, retry: undefined, defaultAttempts: 5, aborted: undefined, onlyOnce: false, hadItsTime: true };
    expect(outcomeOfError({ ...run, thrown: new MiddlewareError(twice) })).toMatchObject({ kind: 'failed' });
  });

  test('called after the middleware has ended rejects, and runs nothing', async () => {
    let later: () => Promise<unknown> = async () => {};
    const keeping = [
      (_ctx: JobContext, next: () => Promise<unknown>) => {
        later = next;
      },
    ];
    await compose(keeping, perform)(aContext);
    await expect(later()).rejects.toThrow(
      new MiddlewareError(
        'Hello: the middleware 1 of 1 called next() after it had ended. Await next(), or return what it returns.',
      ),
    );
    expect(performed).toBe(0);
  });

  test('is for one run: the next run has its own', async () => {
    const run = compose([pass], perform);
    expect([await run(aContext), await run(aContext)]).toEqual(['done', 'done']);
    expect(performed).toBe(2);
  });

  test('that nobody waits for is waited for all the same', async () => {
    const events: string[] = [];
    const hasty: Middleware = (_ctx, next) => {
      void next();
    };
    await compose([hasty, hasty], async () => {
      await turn();
      events.push('performed');
    })(aContext);
    events.push('ended');
    expect(events).toEqual(['performed', 'ended']);
  });

  test('that nobody waits for fails the run where the handler fails', async () => {
    const hasty: Middleware = (_ctx, next) => {
      void next();
    };
    const fail = async () => {
      await turn();
      throw new Error('inner');
    };
    await expect(compose([hasty], fail)(aContext)).rejects.toThrow('inner');
  });

  test('is not waited for where the middleware throws', async () => {
    const endless = () => new Promise(() => {});
    const impatient: Middleware = (_ctx, next) => Promise.race([next(), Promise.reject(new Error('too long'))]);
    await expect(compose([impatient], endless)(aContext)).rejects.toThrow('too long');
  });
});

test("the middleware of all jobs runs outside a job's own", async () => {
  const events: string[] = [];
  const own = [telling(events, 'own 1'), telling(events, 'own 2')];
  const hello = defineJob({ class: 'Hello', middleware: own, perform: ([name]) => events.push(`perform ${name}`) });
  const plain = defineJob({ class: 'Plain', perform: () => events.push('perform plain') });
  const registry = createRegistry([hello, plain], [telling(events, 'all 1'), telling(events, 'all 2')]);

  await registry.handlerFor('Hello')?.run(['Zoë'], aContext);
  const begun = ['all 1 begins', 'all 2 begins', 'own 1 begins', 'own 2 begins', 'perform Zoë'];
  expect(events.splice(0)).toEqual([...begun, 'own 2 ends', 'own 1 ends', 'all 2 ends', 'all 1 ends']);

  await registry.handlerFor('Plain')?.run([], aContext);
  expect(events).toEqual(['all 1 begins', 'all 2 begins', 'perform plain', 'all 2 ends', 'all 1 ends']);
});
