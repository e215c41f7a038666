import * as v from 'valibot';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { ArgumentsError } from '../../../shared/errors.ts';
import { type Args, defineJob, type JobDefinition } from '../../../shared/job/define.ts';
import { defineBatchJob } from '../../../shared/job/define-batch-job.ts';
import { FakeStore } from '../../helpers/fake-broker.ts';

// `tsc` checks these; what a schema refuses at compile time it has to refuse at run time as well.

const client = createEnqueuer({ store: new FakeStore() });

const Hello = defineJob({
  class: 'Hello',
  queue: 'q',
  args: z.tuple([z.string(), z.string()]),
  perform(args) {
    expectTypeOf(args).toEqualTypeOf<[string, string]>();
  },
});

const Report = defineJob({
  class: 'Report',
  queue: 'q',
  args: z.tuple([z.string().transform((text) => text.length), z.object({ copies: z.number().default(1) })]),
  perform([length, options], ctx) {
    expectTypeOf(length).toEqualTypeOf<number>();
    expectTypeOf(options).toEqualTypeOf<{ copies: number }>();
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>();
    expectTypeOf(ctx.job.attempt).toEqualTypeOf<number>();
  },
});

/** Keys are made before the schema has made anything. */
const key = ([text]: readonly unknown[]) => String(text).toLowerCase();
const Keyed = defineJob({
  class: 'Keyed',
  args: z.tuple([z.string().transform((text) => new Date(text))]),
  limit: {
    running: 1,
    key(args) {
      expectTypeOf(args).toEqualTypeOf<[string]>();
      return key(args);
    },
  },
  perform: ([at]) => at.getTime(),
});
const KeyedBatch = defineBatchJob({
  class: 'KeyedBatch',
  args: z.tuple([z.string().transform((text) => new Date(text))]),
  batch: {
    size: 2,
    key(args) {
      expectTypeOf(args).toEqualTypeOf<[string]>();
      return key(args);
    },
  },
  performAll: (jobs) => jobs.map(({ args: [at] }) => at.getTime()),
});

const Valibot = defineJob({
  class: 'Valibot',
  queue: 'q',
  args: v.tuple([v.number(), v.nullable(v.string())]),
  perform(args) {
    expectTypeOf(args).toEqualTypeOf<[number, string | null]>();
  },
});

const Untyped = defineJob({
  class: 'Untyped',
  queue: 'q',
  perform(args) {
    expectTypeOf(args).toEqualTypeOf<Args>();
  },
});

describe('a definition', () => {
  test('has the types of its schema: what is enqueued and what perform gets', () => {
    expectTypeOf(Hello).toEqualTypeOf<JobDefinition<[string, string], [string, string]>>();
    expectTypeOf(Report).toEqualTypeOf<
      JobDefinition<[string, { copies?: number | undefined }], [number, { copies: number }]>
    >();
    expectTypeOf(Untyped).toEqualTypeOf<JobDefinition<Args, Args>>();
    expect([Hello, Report, Untyped].map((one) => one.class)).toEqual(['Hello', 'Report', 'Untyped']);
    expect([Keyed.limit?.key?.(['A']), KeyedBatch.batch?.key?.(['B'])]).toEqual(['a', 'b']);
  });
});

describe('enqueue', () => {
  test('takes the arguments that the definition says', async () => {
    await expect(
      Promise.all([
        client.enqueue(Hello, ['hi', 'there']),
        client.enqueue(Report, ['four', {}]),
        client.enqueue(Report, ['four', { copies: 2 }]),
        client.enqueue(Valibot, [1, null]),
        client.enqueue(Untyped, [1, 'a', null]),
        client.enqueue('Elsewhere', [1, 'a', null], { queue: 'q' }),
        client.enqueue(Hello, ['hi', 'there'], { in: '1s' }),
        client.enqueue(Hello, ['hi', 'there'], { at: new Date(0) }),
        client.enqueueAll([
          { job: Hello, args: ['hi', 'there'] },
          { job: 'Elsewhere', args: [], queue: 'q' },
        ]),
      ]),
    ).resolves.toHaveLength(9);
  });

  test('refuses others', async () => {
    const calls: Promise<unknown>[] = [
      // @ts-expect-error too few
      client.enqueue(Hello, ['hi']),
      // @ts-expect-error too many
      client.enqueue(Hello, ['hi', 'there', 'you']),
      // @ts-expect-error another type
      client.enqueue(Hello, ['hi', 1]),
      // @ts-expect-error what perform gets is not what is enqueued
      client.enqueue(Report, [4, { copies: 1 }]),
      // @ts-expect-error another type, in an object
      client.enqueue(Report, ['four', { copies: '1' }]),
      // @ts-expect-error another type, with valibot
      client.enqueue(Valibot, ['1', null]),
      // @ts-expect-error in some seconds
      client.enqueue(Hello, ['hi'], { in: '1s' }),
      // @ts-expect-error at a time
      client.enqueue(Hello, ['hi'], { at: new Date(0) }),
    ];
    for (const call of calls) await expect(call).rejects.toThrow(ArgumentsError);
  });

  test('wants a list', async () => {
    // @ts-expect-error one argument is a list of one
    await expect(client.enqueue(Untyped, 'hi')).rejects.toThrow(/args must be an array/);
  });
});

test('perform has to fit the schema', () => {
  const args = z.tuple([z.string()]);
  // @ts-expect-error the schema gives a string
  expect(defineJob({ class: 'Wrong', args, perform: (_args: [number]) => {} }).class).toBe('Wrong');
});
