import { describe, expect, test } from 'vitest';
import { ArgumentsError } from '../../../shared/errors.ts';
import { defineActiveJob, RubySymbol, step } from '../../../shared/index.ts';
import { flowNodes } from '../../../shared/job/flow-nodes.ts';
import { newPayload } from '../../../shared/job/new-payload.ts';

const Rails = defineActiveJob({ job: 'Report', queue: 'q', perform() {} });
const payload = (args: readonly unknown[], name = 'Report', ref?: typeof Rails) =>
  newPayload(ref, { class: name, args, queue: 'q', at: new Date(0), id: 'an-id', now: 0 });
const flow = (args: readonly unknown[]) =>
  flowNodes([['0', step('Report', [...args], { queue: 'q' }), false, false]], {
    registry: undefined,
    ifStepFails: 'stop',
    queues: [],
    now: 0,
  });

describe('half of a surrogate pair, at which Ruby ends, is refused', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['in a text', () => payload(['ok', { a: ['x\ud83d'] }]), /: args\.1\.a\.0 has half/],
    ['behind a backslash', () => payload(['\\\ud83d']), /: args\.0 has half/],
    ['in a key', () => payload([{ 'a\udc00': 1n }]), /: args\.0\.a. has half/],
    ['in the name of a class', () => payload([], 'A\udc00'), /The payload of "A\\udc00" .*: a name in it has half/],
    ['in an argument of ActiveJob', () => payload([{ a: '\ud800' }], 'Report', Rails), /: args\.0\.a has half/],
    ['in a symbol', () => payload([new RubySymbol('\ud800')], 'Report', Rails), /: args\.0\.text has half/],
    ['in a step of a flow', () => flow(['\ud800']), /^Step 0 \(Report\): .* args\.0 has half/],
  ])('%s', (_where, write, message) => {
    expect(write).toThrow(ArgumentsError);
    expect(write).toThrow(message);
  });

  test('and nothing that looks alike', () => {
    for (const text of ['\\ud83d', '\\\\ud83d', '😀', '\ufffd'])
      expect(JSON.parse(payload([text])).args).toEqual([text]);
  });
});

test('what Ruby cannot read for its depth is refused', () => {
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
  expect(payload([nested(97)])).toHaveLength(payload([]).length + 2 * 97 + 1);
  expect(() => payload([nested(98)])).toThrow(/nested deeper than 97 levels, at which Ruby ends/);
  // Rails has its wrapper around them.
  expect(() => payload([nested(95)], 'Report', Rails)).not.toThrow();
  expect(() => payload([nested(96)], 'Report', Rails)).toThrow(/nested too deeply: Ruby ends/);
});
