import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Entry, examplesOf, KIND, readReference, tagsOf, typedoc } from '../helpers/api-reference.ts';
import { PATIENCE } from '../helpers/eventually.ts';
import { type Doc, ROOT, typeErrors } from '../helpers/readmes.ts';

/** Every public name says what it is, and shows how it is used by code that compiles. */

// One run of typedoc takes ten seconds of a core, and the machine may have other things to do.
vi.setConfig({ testTimeout: PATIENCE, hookTimeout: PATIENCE });

const OPTIONS = 'infra/docs/typedoc.json';
let folder: string;
let made: { code: number; output: string };
let modules: readonly Entry[];

beforeAll(async () => {
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  folder = mkdtempSync(join(ROOT, 'dist/reference-'));
  const json = join(folder, 'api.json');
  made = await typedoc('--options', OPTIONS, '--json', json);
  modules = made.code === 0 ? (readReference(json).children ?? []) : [];
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Types that follow from a schema have two declarations of each field; and the last line, which counts. */
const HARMLESS = /has multiple declarations with a comment|Found 0 errors and \d+ warnings/;
const THROW_NOTHING = ['keywords', 'serializedBy', 'symbolKeys'];

const namesOf = (module: string) => modules.find((one) => one.name === module)?.children ?? [];
const all = () => modules.flatMap((one) => one.children ?? []);
const without = (tag: string, entries: readonly Entry[]) =>
  entries.filter((one) => !tagsOf(one).some((other) => other.tag === tag)).map((one) => one.name);

test('every public name is documented, and names nothing that is hidden', () => {
  const told = made.output.split('\n').filter((line) => line !== '' && !HARMLESS.test(line));
  expect({ ...made, output: told }).toEqual({ code: 0, output: [] });
  expect(modules.map((one) => one.name).sort()).toEqual([
    'lambdesque',
    'lambdesque/cdk',
    'lambdesque/lambda',
    'lambdesque/opentelemetry',
    'lambdesque/testing',
  ]);
  expect(all().length).toBeGreaterThan(80);
});

test('every function, and every class that one makes, has an example; a function says what it throws', () => {
  const functions = all().filter(({ kind }) => kind === KIND.function);
  const classes = all().filter(({ kind }) => kind === KIND.class);
  expect(functions.map((one) => one.name)).toEqual(expect.arrayContaining(['createClient', 'runJob']));
  expect(classes.map((one) => one.name)).toEqual(expect.arrayContaining(['Lambdesque', 'RetryIn']));
  expect(without('@example', functions)).toEqual([]);
  expect(without('@throws', functions).sort()).toEqual(THROW_NOTHING);
  // Others are only caught.
  const thrown = ['SkipRetry', 'RetryIn', 'Discard'];
  expect(
    without(
      '@example',
      classes.filter(({ name }) => !name.endsWith('Error') || thrown.includes(name)),
    ),
  ).toEqual([]);
});

describe('the examples', () => {
  /** A line that imports all that a module has, but what another one has too. */
  const imports = (module: string, other?: string) => {
    const types: number[] = [KIND.interface, KIND.typeAlias];
    const known = new Set(other === undefined ? [] : namesOf(other).map(({ name }) => name));
    const own = namesOf(module).filter(({ name }) => !known.has(name));
    const names = own.map(({ name, kind }) => (types.includes(kind) ? `type ${name}` : name));
    return `import { ${names.join(', ')} } from '${module}';`;
  };
  const forPrograms = () => [
    imports('lambdesque'),
    imports('lambdesque/testing', 'lambdesque'),
    imports('lambdesque/lambda'),
    "import { openTelemetry, type OpenTelemetryApi } from 'lambdesque/opentelemetry';",
    "import assert from 'node:assert/strict';",
    "import * as z from 'zod';",
    'declare const Hello: JobDefinition<[string, string]>;',
    'declare const Welcome: JobDefinition<[string]>;',
    'declare const Slow: JobDefinition<[string]>;',
    'declare const Report: JobDefinition<unknown[]>;',
    ...['Add', 'Multiply', 'Tell', 'Fetch', 'Parse', 'Store', 'Resize', 'Crawl'].map(
      (name) => `declare const ${name}: JobDefinition;`,
    ),
    'declare const id: string;',
    'declare const links: readonly string[];',
    'declare const client: RecordingClient;',
    'declare const ctx: JobContext;',
    'declare const api: OpenTelemetryApi;',
    'declare function perform(): void;',
    'declare function signUp(client: Client, name: string): Promise<void>;',
  ];
  const forStacks = () => [
    imports('lambdesque/cdk'),
    "import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';",
    "import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';",
    "import type { IRole } from 'aws-cdk-lib/aws-iam';",
    "import type { IBucket } from 'aws-cdk-lib/aws-s3';",
    "import { Secret } from 'aws-cdk-lib/aws-secretsmanager';",
    "import type { ITopic } from 'aws-cdk-lib/aws-sns';",
    "import type { IQueue } from 'aws-cdk-lib/aws-sqs';",
    'declare const stack: Stack;',
    'declare const redis: RedisConnection;',
    'declare const [vpc, securityGroup]: [IVpc, ISecurityGroup];',
    'declare const [bucket, topic, onFailure, webApp]: [IBucket, ITopic, IQueue, IRole];',
    'declare const [consumer, scheduler]: [Consumer, Scheduler];',
  ];
  const examples = () =>
    modules.flatMap((module) => {
      const header = module.name === 'lambdesque/cdk' ? forStacks() : forPrograms();
      return examplesOf(module).map(({ of, code }): Doc => {
        const text = [...header, 'export async function example() {', code.replace(/^export /gm, ''), '}'].join('\n');
        const block = { language: 'ts', line: 1, text };
        return { path: of, text, blocks: [block], codes: [], trees: [], links: [], headings: [] };
      });
    });

  test('compile', async () => {
    expect(examples().length).toBeGreaterThan(30);
    expect(await typeErrors(examples())).toEqual([]);
  });
});

test('a name without a docstring ends it with an error', async () => {
  writeFileSync(join(folder, 'wrong.ts'), 'export const silent = 1;\n/** Says so. */\nexport const told = 2;\n');
  const write = (name: string, value: object) => writeFileSync(join(folder, name), JSON.stringify(value));
  // It needs no types of libraries, which take seconds to read.
  const compilerOptions = { types: [], lib: ['es2024'] };
  write('tsconfig.json', { extends: '../../tsconfig.json', compilerOptions, files: ['wrong.ts'], include: [] });
  write('typedoc.json', {
    extends: [join(ROOT, OPTIONS)],
    entryPoints: ['wrong.ts'],
    tsconfig: 'tsconfig.json',
    intentionallyNotExported: [],
    emit: 'none',
  });
  const { code, output } = await typedoc('--options', join(folder, 'typedoc.json'));
  expect(code).not.toBe(0);
  expect(output).toContain('silent (Variable)');
  expect(output).not.toContain('told');
});
