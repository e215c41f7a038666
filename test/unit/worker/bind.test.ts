import { describe, expect, test } from 'vitest';
import { PayloadError, UnknownClassError, WorkerDiedError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { MOST_DEATHS } from '../../../shared/types.ts';
import { spliceText } from '../../../shared/wire/attempts-record.ts';
import { type BindDeps, bind, isOnlyOnce } from '../../../shared/worker/bind.ts';
import { rawJob } from '../../helpers/builders.ts';

const perform = () => {};
const registry = createRegistry([
  defineJob({ class: 'Hello', perform }),
  defineJob({ class: 'Once', retry: { attempts: 1 }, perform }),
  defineJob({ class: 'Payment', delivery: 'at-most-once', perform }),
  defineJob({ class: 'mail:*', perform }),
]);

function bindTo(payload: string | Buffer, options: Partial<BindDeps['options']> = {}, queue = 'myqueue') {
  const deps: BindDeps = {
    registry,
    now: () => 0,
    orders: { anyCancelled: false, cancelled: () => undefined },
    options: { numbers: 'bigint', unknownClass: 'fail', ...options },
  };
  return bind(rawJob(payload, { queue }), 'token', deps);
}

describe('a job', () => {
  test.each([
    ['Hello', 'Hello'],
    ['mail:welcome', 'mail:*'],
  ])('of the class %s is bound to the handler of %s', (name, definition) => {
    expect(bindTo(`{"class":"${name}","args":[1]}`)).toMatchObject({
      job: { class: name, args: [1], id: 'token-7' },
      handler: { definition: { class: definition } },
    });
  });

  test.each([
    ['bigint', [12345678901234567890n]],
    ['double', [Number('12345678901234567890')]],
  ] as const)('has long integers as %s', (numbers, args) => {
    expect(bindTo('{"class":"Hello","args":[12345678901234567890]}', { numbers })).toMatchObject({ job: { args } });
  });
});

test.each([['no JSON'], ['{"args":[]}'], [Buffer.from('7b22ff227d', 'hex')]])(
  'a payload that is no job is told so: %s',
  (payload) => {
    const found = bindTo(payload);
    expect(found).toMatchObject({ raw: { queue: 'myqueue' }, error: expect.any(PayloadError) });
    expect(found).not.toHaveProperty('outcome');
    expect(found).not.toHaveProperty('handler');
  },
);

describe('a class that nothing handles', () => {
  test('fails, with a word on what to do', () => {
    expect(bindTo('{"class":"Unknown"}', {}, 'billing:high')).toMatchObject({
      job: { class: 'Unknown' },
      outcome: {
        kind: 'failed',
        error: new UnknownClassError(
          'No worker for Unknown in queue billing:high. Define the class with defineJob, and export it from the jobs module.',
        ),
      },
    });
  });

  test("or goes to the queue's tail, for other workers", () => {
    expect(bindTo('{"class":"Unknown"}', { unknownClass: 'release' }, 'billing:high')).toMatchObject({
      outcome: { kind: 'released', to: 'tail', reason: 'No worker for Unknown in queue billing:high.' },
    });
  });
});

describe('a job whose workers died', () => {
  const dead = (name: string, attempts: number, deaths: number) =>
    bindTo(`{${spliceText({ id: 'a-1', attempts, deaths })}"class":"${name}"}`);

  test.each([
    ['Hello', 0, 1],
    ['Hello', 4, MOST_DEATHS - 1],
    // A death costs no attempt.
    ['Once', 0, MOST_DEATHS - 1],
  ])('%s after %i attempts and %i deaths runs', (name, attempts, deaths) => {
    expect(dead(name, attempts, deaths)).toMatchObject({ handler: {}, job: { attempt: attempts + 1, deaths } });
  });

  test.each([
    ['Hello', 0, MOST_DEATHS],
    ['Once', 0, MOST_DEATHS],
    ['Hello', 2, MOST_DEATHS + 1],
  ])('%s after %i attempts and %i deaths fails', (name, attempts, deaths) => {
    expect(dead(name, attempts, deaths)).toMatchObject({
      outcome: { kind: 'failed', error: expect.any(WorkerDiedError) },
    });
  });

  // One that is given back has not started.
  test('is not the cause if it runs at most once', () => {
    expect(dead('Payment', 0, MOST_DEATHS + 1)).toMatchObject({ handler: {} });
  });

  test('and that nothing handles is told to be that', () => {
    expect(dead('Unknown', 0, MOST_DEATHS)).toMatchObject({ outcome: { error: expect.any(UnknownClassError) } });
  });
});

test.each([
  ['Hello', false],
  ['Payment', true],
])('%s may not run again once it may have started: %s', (name, onlyOnce) => {
  const handler = registry.handlerFor(name);
  expect(handler && isOnlyOnce({ handler })).toBe(onlyOnce);
});
