import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorFields } from '../../../shared/wire/failed-entry.ts';
import { stackLines } from '../../../shared/wire/stack-lines.ts';

const ROOT = join(import.meta.dirname, '../../..');
const stack = (...lines: readonly string[]) => ['TypeError: boom', ...lines.map((line) => `    at ${line}`)].join('\n');

const OURS = [
  `Object.run (${ROOT}/shared/job/registry.ts:73:59)`,
  `Attempt.start (file://${ROOT}/shared/worker/attempt.ts:84:27)`,
  `async Worker.run (${ROOT}/shared/worker/worker.ts:100:7)`,
  `async work (file://${ROOT}/infra/local/commands/work.ts:60:5)`,
  `work (${ROOT}/functions/consumer.ts:72:21)`,
  `${ROOT}/functions/runtime/handler.ts:12:3`,
];
const NODES = [
  'process.processTicksAndRejections (node:internal/process/task_queues:104:5)',
  'node:internal/main/run_main_module:36:49',
  'JSON.parse (<anonymous>)',
  'async Promise.all (index 0)',
];
const THEIRS = [
  `Object.perform (file://${ROOT}/functions/jobs/hello.ts:11:9)`,
  'async Mailer.send (/srv/app/shared/mailer.ts:3:1)',
  '/srv/app/infra/x.ts:1:1',
  `Foo.bar (${ROOT}/node_modules/shared/index.js:1:1)`,
  `deep (${ROOT}/test/helpers/worker-jobs.ts:1:2)`,
];

describe('the lines of a stack', () => {
  test('are those of the reader’s code, in their order', () => {
    const mixed = [
      THEIRS[0],
      OURS[0],
      NODES[0],
      THEIRS[1],
      NODES[1],
      OURS[1],
      THEIRS[2],
      THEIRS[3],
      THEIRS[4],
      OURS[2],
    ];
    expect(stackLines(stack(...mixed.map(String)))).toEqual(THEIRS.map((line) => `at ${line}`));
  });

  test.each([...OURS, ...NODES.slice(0, 3)])('leave %s out', (line) => {
    expect(stackLines(stack('theirs (/srv/app/x.ts:1:1)', line))).toEqual(['at theirs (/srv/app/x.ts:1:1)']);
  });

  test('are all of them where none is the reader’s: then the mistake is ours', () => {
    expect(stackLines(stack(...OURS, ...NODES))).toEqual([...OURS, ...NODES].map((line) => `at ${line}`));
  });

  test('are none of the message’s', () => {
    expect(stackLines('Error: at first\nat second\n    at third (a.ts:1:1)')).toEqual(['at third (a.ts:1:1)']);
  });
});

describe('the fields of a log line', () => {
  test('are the name and message, and where it came from with its causes', () => {
    const cause = Object.assign(new Error('inner'), { stack: 'Error: inner\n    at inner (/srv/a.ts:1:2)' });
    const error = Object.assign(new TypeError('outer', { cause }), {
      stack: stack('outer (/srv/b.ts:3:4)', ...OURS),
    });
    expect(errorFields(error)).toEqual({
      error: 'TypeError: outer',
      stack: 'at outer (/srv/b.ts:3:4)\nCaused by: Error: inner\nat inner (/srv/a.ts:1:2)',
    });
  });

  test('have no stack where there is none', () => {
    expect(errorFields('text')).toEqual({
      error: 'NonErrorThrown: The handler threw the string "text", not an Error.',
    });
  });
});
