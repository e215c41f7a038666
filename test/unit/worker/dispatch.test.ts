import { describe, expect, test } from 'vitest';
import { LostLeaseError, UnknownClassError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { createRegistry } from '../../../shared/job/registry.ts';
import { dispatch } from '../../../shared/worker/dispatch.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';

const perform = () => {};
const registry = createRegistry([
  defineJob({ class: 'Hello', perform }),
  defineJob({ class: 'Once', retry: { attempts: 1 }, perform }),
  defineJob({ class: 'mail:*', perform }),
]);
const options = { unknownClass: 'fail', attempts: 5 } as const;

test.each([
  ['Hello', 'Hello'],
  ['mail:welcome', 'mail:*'],
])('a job of the class %s is bound to the handler of %s', (name, definition) => {
  const job = aJob({ class: name });
  const bound = dispatch(job, registry, options);
  expect(bound).toEqual({ job, handler: registry.handlerFor(name) });
  expect(bound).toMatchObject({ handler: { definition: { class: definition } } });
});

describe('a class that nothing handles', () => {
  const job = aJob({ class: 'Unknown', raw: rawJob('{}', { queue: 'billing:high' }) });

  test('fails, with a word on what to do', () => {
    expect(dispatch(job, registry, options)).toEqual({
      kind: 'failed',
      error: new UnknownClassError(
        'No worker for Unknown in queue billing:high. Define the class with defineJob, and export it from the jobs module.',
      ),
    });
  });

  test("or goes to the queue's tail, for other workers", () => {
    expect(dispatch(job, registry, { ...options, unknownClass: 'release' })).toEqual({
      kind: 'released',
      to: 'tail',
      reason: 'No worker for Unknown in queue billing:high.',
    });
  });
});

describe('a job whose workers died', () => {
  test.each([
    ['Hello', 2, 1, 5],
    ['Hello', 5, 2, 5],
    ['Hello', 2, 1, 2],
  ])('%s in attempt %i, after %i deaths, of %i runs', (name, attempt, deaths, attempts) => {
    const job = aJob({ class: name, attempt, deaths });
    expect(dispatch(job, registry, { ...options, attempts })).toMatchObject({ job });
  });

  test.each([
    ['Hello', 4, 3, 5],
    ['Hello', 6, 1, 5],
    ['Hello', 2, 1, 1],
    ['Once', 2, 1, 5],
  ])('%s in attempt %i, after %i deaths, of %i fails', (name, attempt, deaths, attempts) => {
    const job = aJob({ class: name, attempt, deaths });
    expect(dispatch(job, registry, { ...options, attempts })).toEqual({
      kind: 'failed',
      error: expect.any(LostLeaseError),
    });
  });
});
