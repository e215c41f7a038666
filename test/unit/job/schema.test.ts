import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ArgumentsError } from '../../../shared/errors.ts';
import { type Args, defineJob } from '../../../shared/job/define.ts';
import { checkArgs } from '../../../shared/job/schema.ts';
import { anyDefinition } from '../../helpers/builders.ts';

function check<In extends Args, Out extends Args>(args: StandardSchemaV1<In, Out>, given: Args) {
  return checkArgs(anyDefinition(defineJob({ class: 'Mail', args, perform() {} })), given);
}

function refusal(messages: string): ArgumentsError {
  return new ArgumentsError(`The arguments do not fit the schema of Mail: ${messages}`);
}

/** A Standard Schema of no library: two strings, answered later, put into upper case. */
const handMade: StandardSchemaV1<readonly string[], readonly string[]> = {
  '~standard': {
    version: 1,
    vendor: 'hand',
    async validate(value) {
      const issues = (value as unknown[]).flatMap((one, i) =>
        typeof one === 'string' ? [] : [{ message: `${JSON.stringify(one)} is no string`, path: [i] }],
      );
      return issues.length > 0 ? { issues } : { value: (value as string[]).map((one) => one.toUpperCase()) };
    },
  },
};

describe('zod', () => {
  test('arguments that fit come back, without a promise', () => {
    expect(check(z.tuple([z.string(), z.number()]), ['a', 1])).toEqual(['a', 1]);
  });

  test('a refusal gives the path and the message of each issue', () => {
    const schema = z.tuple([z.string(), z.object({ user: z.object({ id: z.number() }), tags: z.array(z.string()) })]);
    const given = [1, { user: { id: 'x' }, tags: ['a', null] }];
    expect(() => check(schema, given)).toThrow(
      refusal(
        'args.0: Invalid input: expected string, received number; ' +
          'args.1.user.id: Invalid input: expected number, received string; ' +
          'args.1.tags.1: Invalid input: expected string, received null',
      ),
    );
  });

  test('an issue with the list as a whole has no path', () => {
    expect(() => check(z.tuple([z.string()]), ['a', 'b'])).toThrow(
      refusal('Too big: expected array to have <=1 items'),
    );
  });

  test('own messages are kept', () => {
    const schema = z.tuple([z.email('Give an e-mail address')]);
    expect(() => check(schema, ['x'])).toThrow(refusal('args.0: Give an e-mail address'));
  });

  test('defaults and transforms make the result', () => {
    const schema = z.tuple([z.string().transform((text) => text.length), z.object({ copies: z.number().default(1) })]);
    expect(check(schema, ['four', {}])).toEqual([4, { copies: 1 }]);
  });

  test('an asynchronous refinement gives a promise', async () => {
    const schema = z.tuple([z.string().refine(async (text) => text !== 'taken', 'That name is taken')]);
    await expect(check(schema, ['free'])).resolves.toEqual(['free']);
    await expect(check(schema, ['taken'])).rejects.toThrow(refusal('args.0: That name is taken'));
  });
});

describe('valibot', () => {
  test('arguments that fit come back, without a promise', () => {
    expect(check(v.tuple([v.string(), v.number()]), ['a', 1])).toEqual(['a', 1]);
  });

  test('a refusal gives the path and the message of each issue', () => {
    const schema = v.tuple([v.string(), v.object({ user: v.object({ id: v.number() }) })]);
    expect(() => check(schema, [1, { user: { id: 'x' } }])).toThrow(
      refusal(
        'args.0: Invalid type: Expected string but received 1; ' +
          'args.1.user.id: Invalid type: Expected number but received "x"',
      ),
    );
  });

  test('transforms make the result', () => {
    const schema = v.tuple([v.pipe(v.string(), v.transform(Number))]);
    expect(check(schema, ['42'])).toEqual([42]);
  });

  test('an asynchronous check gives a promise', async () => {
    const free = v.checkAsync(async (text: string) => text !== 'taken', 'That name is taken');
    const schema = v.tupleAsync([v.pipeAsync(v.string(), free)]);
    await expect(check(schema, ['free'])).resolves.toEqual(['free']);
    await expect(check(schema, ['taken'])).rejects.toThrow(refusal('args.0: That name is taken'));
  });
});

describe('a schema of no library', () => {
  test('its value is the result', async () => {
    await expect(check(handMade, ['hi', 'there'])).resolves.toEqual(['HI', 'THERE']);
  });

  test('its issues are told', async () => {
    await expect(check(handMade, ['hi', 2])).rejects.toThrow(refusal('args.1: 2 is no string'));
  });

  test('a path may hold objects with keys, and keys that are symbols', () => {
    const schema: StandardSchemaV1<Args, Args> = {
      '~standard': {
        version: 1,
        vendor: 'hand',
        validate: () => ({ issues: [{ message: 'no', path: [{ key: 0 }, 'a', Symbol('s')] }, { message: 'never' }] }),
      },
    };
    expect(() => check(schema, [])).toThrow(refusal('args.0.a.Symbol(s): no; never'));
  });

  test('what it throws itself is no refusal', () => {
    const schema: StandardSchemaV1<Args, Args> = {
      '~standard': {
        version: 1,
        vendor: 'hand',
        validate: () => {
          throw new TypeError('broken schema');
        },
      },
    };
    expect(() => check(schema, [])).toThrow(new TypeError('broken schema'));
  });
});

test('without a schema the arguments are what they were', () => {
  const args = [1, 'a'];
  expect(checkArgs(anyDefinition(defineJob({ class: 'Mail', perform() {} })), args)).toBe(args);
});
