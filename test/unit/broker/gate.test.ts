import { describe, expect, test } from 'vitest';
import {
  aloneGate,
  classGate,
  flowGate,
  partsOfGate,
  pauseGate,
  queueGate,
  readParked,
} from '../../../shared/broker/gate.ts';

describe('the name of a gate', () => {
  test.each<[string, ReturnType<typeof partsOfGate>]>([
    [queueGate('a:b/c'), { kind: 'queue', name: 'a:b/c', key: undefined }],
    [classGate('Report', ''), { kind: 'class', name: 'Report', key: undefined }],
    [classGate('Report', 'acme'), { kind: 'class', name: 'Report', key: 'acme' }],
    [classGate('Foo::Bar', ':Baz/1%'), { kind: 'class', name: 'Foo::Bar', key: ':Baz/1%' }],
    [classGate('jobs/100%', 'a/b'), { kind: 'class', name: 'jobs/100%', key: 'a/b' }],
    [classGate('%2F', ''), { kind: 'class', name: '%2F', key: undefined }],
    [aloneGate('Ship:0123'), { kind: 'running', name: 'Ship:0123', key: undefined }],
    [flowGate('f-1'), { kind: 'flow', name: 'f-1', key: undefined }],
    [pauseGate('Foo::Bar'), { kind: 'pause', name: 'Foo::Bar', key: undefined }],
    ['Report', undefined],
    ['class:', undefined],
    ['other:x', undefined],
    ['', undefined],
  ])('%s says what it is for', (gate, parts) => {
    expect(partsOfGate(gate)).toEqual(parts);
  });

  test('tells a class and its key from another class', () => {
    expect(classGate('Foo', ':Bar')).not.toBe(classGate('Foo::Bar', ''));
    expect(classGate('A/b', '')).not.toBe(classGate('A', 'b'));
  });
});

test.each<[string, ReturnType<typeof readParked>]>([
  ['1:q{"class":"A"}', { queue: 'q', prefix: 3 }],
  ['5:wörk{}', { queue: 'wörk', prefix: 7 }],
  ['4:a:b1{}', { queue: 'a:b1', prefix: 6 }],
  ['9:q{}', undefined],
  ['q{}', undefined],
  [':q', undefined],
  ['', undefined],
])('a parked element names its queue by length: %s', (element, parts) => {
  expect(readParked(Buffer.from(element))).toEqual(parts);
});
