import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { importJobs, registryOf, requireJobs } from '../../../infra/modules/jobs.ts';
import { loadModule } from '../../../infra/modules/load.ts';
import { requireModule } from '../../../infra/modules/require.ts';
import { ConfigError } from '../../../shared/errors.ts';
import type { JobContext } from '../../../shared/job/context.ts';
import { PATIENCE } from '../../helpers/eventually.ts';
import { AWAITING, moduleFiles, SYNTAX } from '../../helpers/module-files.ts';

vi.setConfig({ testTimeout: PATIENCE });

const ctx = {} as JobContext;

function result(exported: unknown, path: string): unknown {
  const registry = registryOf(exported, path);
  expect(registry.definitions.map((one) => one.class)).toEqual(['K']);
  return registry.handlerFor('K')?.run([], ctx);
}

async function refusal(path: string, limit?: number): Promise<string> {
  const error = await loadModule(path, limit).catch((one: unknown) => one);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).name).toBe(ConfigError.name);
  return (error as Error).message;
}

describe('what a function can be made of is loaded here as well', () => {
  test.each(Object.entries({ ...SYNTAX, ...AWAITING }))('%s', async (name, files) => {
    const path = join(moduleFiles(files), name);
    expect(result((await loadModule(path)).default, path)).toBe('ran');
  });

  test.each(['enum.ts', 'folder', 'common.cjs', 'beside.ts'])('%s, by who cannot wait for it', (name) => {
    const path = join(moduleFiles(SYNTAX[name] ?? {}), name);
    expect(result(requireModule(path).default, path)).toBe('ran');
  });

  test('options by pattern, which the module exports beside its jobs, are checked and heeded', async () => {
    const files = (defaults: string) => ({
      'jobs.ts': `import { defineJob } from 'lambdesque';\nexport const defaults = ${defaults};\nexport default [defineJob({ class: 'K', perform() {} })];\n`,
    });
    const good = join(moduleFiles(files("{ 'K*': { timeout: '30s' } }")), 'jobs.ts');
    for (const registry of [await importJobs(good), requireJobs(good)]) {
      expect(registry.handlerFor('K')?.definition).toMatchObject({ timeout: 30_000 });
    }
    const bad = join(moduleFiles(files("{ 'K*': { timeuot: '30s' } }")), 'jobs.ts');
    await expect(importJobs(bad)).rejects.toThrow(
      /defaults\.K\*: there is no option "timeuot" \(did you mean "timeout"/,
    );
    expect(() => requireJobs(bad)).toThrow(/jobs: .*did you mean "timeout"/);
  });

  test('middleware and callbacks, which the module exports as well, are checked and called', async () => {
    const files = (more: string) => ({
      'jobs.ts': `import { defineJob } from 'lambdesque';\n${more}\nexport default [defineJob({ class: 'K', perform: () => 'ran' })];\n`,
    });
    const good = join(
      moduleFiles(
        files(
          "export const callbacks = { onFailed: () => 'called' };\nexport const middleware = [async (_ctx, next) => 'around ' + (await next())];",
        ),
      ),
      'jobs.ts',
    );
    for (const registry of [await importJobs(good), requireJobs(good)]) {
      expect(registry.callbacks).toMatchObject({ exist: true, ofAll: { onFailed: expect.any(Function) } });
      expect(await registry.handlerFor('K')?.run([], { job: { class: 'K' } } as JobContext)).toBe('around ran');
    }
    const bad = join(moduleFiles(files("export const callbacks = { onFailed: 'tell' };")), 'jobs.ts');
    await expect(importJobs(bad)).rejects.toThrow(/callbacks: onFailed must be a function/);
  });

  test('a top-level await cannot be waited for there, and is told', () => {
    const path = join(moduleFiles(AWAITING['awaiting.ts'] ?? {}), 'awaiting.ts');
    expect(() => requireModule(path)).toThrow(/top-level await/);
  });

  test('nothing is left in the temporary folder', async () => {
    const mine = () => readdirSync(tmpdir()).filter((one) => one.startsWith('lambdesque-module-'));
    const before = new Set(mine());
    const path = join(moduleFiles(SYNTAX['enum.ts'] ?? {}), 'enum.ts');
    await loadModule(path);
    await refusal(join(moduleFiles({ 'a.ts': 'syntax error' }), 'a.ts'));
    requireModule(path);
    // Another test file may be at work at the same time.
    const left = mine().filter((one) => !before.has(one) && existsSync(join(tmpdir(), one)));
    expect(left.length).toBeLessThan(3);
  });
});

describe('mistakes are told with file and line', () => {
  const lines = (...text: readonly string[]) => text.join('\n');

  test.each<[string, string, Readonly<Record<string, string>>, RegExp]>([
    [
      'a syntax error',
      'a.ts',
      { 'a.ts': lines("import { x } from './b';", 'export default [x];'), 'b.ts': lines('', 'export const x = (1];') },
      /b\.ts:2:20: Expected "\)" but found "\]"/,
    ],
    [
      'a file that is not there',
      'a.ts',
      { 'a.ts': lines('', "import { x } from './b';", 'export default [x];') },
      /a\.ts:2:\d+: Could not resolve "\.\/b"/,
    ],
    [
      'a package that is not there',
      'a.ts',
      { 'a.ts': lines('', "import x from 'no-such-package';", 'export default [x];') },
      /a\.ts:2:\d+: Could not resolve "no-such-package"/,
    ],
    [
      'a name that is not exported',
      'a.ts',
      { 'a.ts': lines("import { x } from './b';", 'export default [x];'), 'b.ts': 'export const y = 1;' },
      /a\.ts:1:\d+: No matching export in ".*b\.ts" for import "x"/,
    ],
    [
      'an error that is thrown while it is loaded',
      'a.ts',
      {
        'a.ts': lines("import { connect } from './b';", '', 'connect();', 'export default [];'),
        'b.ts': lines(
          'type Url = string;',
          'export function connect(): void {',
          "  throw new TypeError('no DATABASE_URL');",
          '}',
        ),
      },
      /^the module .*a\.ts cannot be loaded: TypeError: no DATABASE_URL\n {4}at connect \(.*b\.ts:3:9\)\n {4}at .*a\.ts:3:1/,
    ],
    [
      'an error with a cause',
      'a.ts',
      { 'a.ts': "throw new Error('outer', { cause: new RangeError('inner') });\nexport default [];" },
      /Error: outer\n {4}at .*a\.ts:1:7\)?\n(?:.*\n)*.*Caused by: RangeError: inner\n {4}at .*a\.ts:1:/,
    ],
    ['something else that is thrown', 'a.ts', { 'a.ts': "throw 'text';\nexport default [];" }, /the string "text"/],
  ])('%s', async (_what, name, files, says) => {
    expect(await refusal(join(moduleFiles(files), name))).toMatch(says);
  });

  test('a job definition that is wrong says where it is', async () => {
    const path = join(
      moduleFiles({
        'a.ts':
          "import { defineJob } from 'lambdesque';\nenum A { B }\nexport default [\n  defineJob({ class: '', perform() {} }), A];",
      }),
      'a.ts',
    );
    expect(await refusal(path)).toMatch(/a\.ts:4:3/);
  });

  test('a top-level await that does not end is not waited for', async () => {
    const path = join(moduleFiles({ 'a.ts': 'await new Promise(() => {});\nexport default [];' }), 'a.ts');
    expect(await refusal(path, 100)).toMatch(/did not load within 0\.1 s: a top-level await/);
  });

  test('a stack of a job leads to its own file and line', async () => {
    const text =
      "import { defineJob } from 'lambdesque';\nenum A { B }\nfunction deep(o: any) { return o.user.name + A.B; }\n";
    const path = join(
      moduleFiles({ 'a.ts': `${text}export default [\n  defineJob({ class: 'K', perform: () => deep({}) }),\n];` }),
      'a.ts',
    );
    const registry = registryOf((await loadModule(path)).default, path);
    let stack = '';
    try {
      registry.handlerFor('K')?.run([], ctx);
    } catch (error) {
      stack = (error as Error).stack ?? '';
    }
    expect(stack).toMatch(/at deep \(.*a\.ts:3:\d+\)\n.*a\.ts:5:\d+/);
  });
});

test.each<[unknown, string]>([
  [undefined, 'missing'],
  [null, 'null'],
  [{ Hello: {} }, 'an object'],
  [{ class: 'K', perform() {} }, 'one definition, not a list'],
  [() => [], 'a function'],
])('a default export that is %j is refused: it is %s', (exported, is) => {
  expect(() => registryOf(exported, 'jobs.ts')).toThrow(`its default export is ${is}.`);
});
