import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Bundle, bundle } from '../../infra/build/bundle.ts';
import { contentOf, largePackages } from '../../infra/function/bundle-content.ts';
import { Lambdesque } from '../../infra/index.ts';
import { moduleFiles } from '../helpers/module-files.ts';
import { testApp, upstash, warningsOf } from './stack.ts';

const job = (imports: string, args: string) =>
  `import { defineJob } from 'lambdesque';\n${imports}\n` +
  `export default [defineJob({ class: 'A', queue: 'a', args: ${args}, perform() {} })];\n`;

/** One job class, its schema made in three ways. */
const JOBS = {
  named: job("import { z } from 'zod';", 'z.tuple([z.string()])'),
  namespace: job("import * as z from 'zod';", 'z.tuple([z.string()])'),
  valibot: job("import * as v from 'valibot';", 'v.tuple([v.string()])'),
};
type Schema = keyof typeof JOBS;

let folder: string;
beforeAll(() => {
  folder = moduleFiles(Object.fromEntries(Object.entries(JOBS).map(([name, text]) => [`${name}.ts`, text])));
});

const built = (schema: Schema) =>
  bundle({ entry: 'consumer', backend: 'upstash', jobs: join(folder, `${schema}.ts`), outdir: join(folder, schema) });

describe('the bundle of a consumer', () => {
  test('is as large as the docs say, by how schemas are made', async () => {
    const [named, namespace, valibot] = await Promise.all([built('named'), built('namespace'), built('valibot')]);
    const of = (one: Bundle, name: string) => new Map(one.content).get(name) ?? 0;
    const [z, starZ, v] = [of(named, 'zod'), of(namespace, 'zod'), of(valibot, 'valibot')];
    console.log(`import { z }: ${z}, import * as z: ${starZ}, valibot: ${v} bytes`);
    expect(starZ).toBeLessThan(95_000);
    expect(v).toBeLessThan(6_000);
    expect(z).toBeGreaterThan(450_000);
    // No more than what the schemas are made of.
    expect(Math.abs(named.bytes - namespace.bytes - (z - starZ))).toBeLessThan(2_000);
    expect([...namespace.warnings, ...valibot.warnings]).toEqual([]);
    expect(named.warnings).toEqual([
      expect.stringMatching(
        /^zod takes \d{3} kB of \d{3} kB, .*`import \* as z from 'zod'`.*valibot is smaller still\.$/,
      ),
    ]);
  });
});

describe('synth', () => {
  const synth = (schema: Schema, { bundling = true, consumers = ['one', 'two'] } = {}) => {
    const app = testApp({ bundling });
    const stack = new Stack(app, 'Test');
    new Lambdesque(stack, 'Jobs', {
      redis: upstash(stack),
      jobs: join(folder, `${schema}.ts`),
      consumers: Object.fromEntries(consumers.map((name) => [name, { queues: '*' }])),
      dashboard: false,
    });
    return { app, warnings: warningsOf(stack) };
  };

  test('warns once of a package that is large, and says what to do', () => {
    const { app, warnings } = synth('named');
    expect(warnings).toEqual([expect.stringMatching(/^In the function's bundle, zod takes \d{3} kB of \d{3} kB/)]);
    const assets = readdirSync(app.outdir).filter((name) => name.startsWith('asset.'));
    const files = assets.flatMap((name) => readdirSync(join(app.outdir, name)));
    expect([...new Set(files)].sort()).toEqual(['index.mjs', 'index.mjs.map']);
  }, 120_000);

  test('is content with the same schema, imported otherwise', () => {
    expect(synth('namespace').warnings).toEqual([]);
  }, 120_000);

  test('says nothing where nothing is bundled', () => {
    expect(synth('named', { bundling: false }).warnings).toEqual([]);
  });
});

test('what a package has installed for itself counts as itself, and this package is no one’s mistake', () => {
  const inputs = {
    'node_modules/zod/v4/core.js': { bytesInOutput: 150_000 },
    'node_modules/zod/v4/classic.js': { bytesInOutput: 60_000 },
    'node_modules/@scope/a/node_modules/b/index.js': { bytesInOutput: 300_000 },
    'node_modules/lambdesque/dist/shared/index.js': { bytesInOutput: 400_000 },
    'functions/jobs/index.ts': { bytesInOutput: 500_000 },
    'node_modules/unused/index.js': { bytesInOutput: 0 },
  };
  const made = { outputs: { 'out/index.mjs': { inputs }, 'out/index.mjs.map': { inputs: {} } } };
  expect(contentOf(made)).toEqual([
    ['functions/jobs', 500_000],
    ['lambdesque', 400_000],
    ['b', 300_000],
    ['zod', 210_000],
  ]);
  expect([...largePackages(made).keys()]).toEqual(['b', 'zod']);
  expect(largePackages(made).get('b')).toMatch(/^b takes 300 kB of 1410 kB, .* take a smaller package, /);
});
