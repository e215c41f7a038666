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

/** One job class: without a schema, and with one made in three ways. */
const JOBS = {
  none: "import { defineJob } from 'lambdesque';\nexport default [defineJob({ class: 'A', queue: 'a', perform() {} })];\n",
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
  test('grows by schemas as the docs say', async () => {
    const [named, namespace, valibot, none] = await Promise.all(
      (['named', 'namespace', 'valibot', 'none'] as const).map(built),
    );
    if (!named || !namespace || !valibot || !none) throw new Error('not built');
    const more = (one: Bundle) => one.bytes - none.bytes;
    console.log(`import { z }: ${more(named)}, import * as z: ${more(namespace)}, valibot: ${more(valibot)} bytes`);
    expect(more(valibot)).toBeLessThan(5_000);
    expect(more(namespace)).toBeLessThan(95_000);
    expect(more(named)).toBeGreaterThan(450_000);
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
      metricsDashboard: false,
    });
    return { app, warnings: warningsOf(stack) };
  };

  test('warns once of a package that is large, and says what to do', () => {
    const { app, warnings } = synth('named');
    expect(warnings).toEqual([expect.stringMatching(/^In the function's bundle, zod takes \d{3} kB of \d{3} kB/)]);
    const assets = readdirSync(app.outdir).filter((name) => name.startsWith('asset.'));
    const files = assets.flatMap((name) => readdirSync(join(app.outdir, name)));
    expect([...new Set(files)].sort()).toEqual(['index.mjs', 'index.mjs.map', 'settings.json']);
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
