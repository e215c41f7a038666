import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { PATIENCE } from '../../helpers/eventually.ts';
import { type FreshFolder, freshFolder, ROOT } from '../../helpers/fresh-folder.ts';
import { queued } from '../../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';
import { type Tarball, tarball } from './tarball.ts';

/** What somebody has who runs `npm install lambdesque`, in a folder of theirs. */

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: 4 * PATIENCE });

const PRIVATE = '{"private":true}';
const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

let redis: TestRedis;
let upstash: UpstashServer;
let packed: Tarball;
let folder: FreshFolder;
beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash(redis.url);
  packed = await tarball();
  folder = freshFolder({ 'package.json': PRIVATE });
  await folder.install(packed.file);
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await upstash.stop();
  await redis.stop();
});

const inPackage = (pattern: string) => globSync(pattern, { cwd: join(folder.path, 'node_modules/lambdesque') });
const text = (path: string) => readFileSync(join(folder.path, 'node_modules/lambdesque', path), 'utf8');

describe('the package', () => {
  test('holds what is compiled, and no tests, sources or jobs of this repository', () => {
    const compiled = /^dist\/(functions|infra|shared|vendor)\//;
    expect(packed.files.filter((path) => !compiled.test(path)).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'functions/README.md',
      'functions/dashboard/README.md',
      'functions/dashboard/picture.png',
      'infra/README.md',
      'infra/grafana/lambdesque.json',
      'infra/local/README.md',
      'package.json',
      'shared/README.md',
    ]);
    const outside = packed.files.filter((path) => !path.startsWith('dist/infra/local/template/'));
    expect(
      outside.filter((path) => /\.test\.|(^|\/)tests?\/|(?<!\.d)\.ts$|functions\/jobs|infra\/(app|build)/.test(path)),
    ).toEqual([]);
    expect(packed.unpacked).toBeLessThan(3_000_000);
  });

  test('exports what it holds', () => {
    const named = Object.values(own.exports).flatMap((one) => (typeof one === 'string' ? one : Object.values(one)));
    expect(named.filter((path) => !packed.files.includes(path.replace('./', '')))).toEqual([]);
  });

  test('imports what is installed with it, or what package.json asks its user for', () => {
    const allowed = new Set([...Object.keys(own.dependencies), ...Object.keys(own.peerDependencies), 'lambdesque']);
    // Of a function's bundle, and of the runtime of Lambda.
    const ofBundles =
      /^(lambdesque-(backend|dashboard-assets|jobs|map|telemetry|upstash-http)|@aws-sdk\/client-scheduler)$/;
    const foreign = inPackage('dist/{functions,infra,shared}/**/*.{js,d.ts}')
      .filter((path) => !path.includes('/template/'))
      .flatMap((path) =>
        [
          ...text(path).matchAll(
            /^(?:import|export)\b[^'"`;]*?\bfrom ['"]([^.'"][^'"]*)['"]|\bimport\(['"]([^.'"][^'"]*)['"]\)/gm,
          ),
        ]
          .map(([, a, b]) => a ?? b ?? '')
          .filter((name) => !name.startsWith('node:') && !ofBundles.test(name))
          .filter((name) => !allowed.has(/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? ''))
          .map((name) => `${path} → ${name}`),
      );
    expect(foreign).toEqual([]);
  });

  test('leads nowhere on the machine on which it was built', () => {
    expect(inPackage('dist/**/*.*').filter((path) => text(path).includes(ROOT.replace(/\/$/, '')))).toEqual([]);
  });

  test('pins the library of which a bundle takes a file that is not exported', () => {
    expect(own.dependencies['@upstash/redis']).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test('has the license of each library that is compiled into it', () => {
    for (const name of ['commander', 'croner', '@aws-lambda-powertools/logger']) {
      expect(text('dist/vendor/LICENSES.md')).toMatch(new RegExp(`^# ${name} \\d`, 'm'));
    }
  });

  test('installs few packages, and neither the bundler nor CDK nor a library of the command line', () => {
    const manifests = globSync(['node_modules/*/package.json', 'node_modules/@*/*/package.json'], { cwd: folder.path });
    const names = manifests.map((path) => path.replace('node_modules/', '').replace('/package.json', ''));
    const bytes = globSync('node_modules/**/*', { cwd: folder.path }).reduce((sum, path) => {
      const stat = statSync(join(folder.path, path));
      return stat.isFile() ? sum + stat.size : sum;
    }, 0);
    console.log(`npm install lambdesque: ${names.length} packages, ${(bytes / 1e6).toFixed(1)} MB`);
    expect(names.length).toBeLessThanOrEqual(12);
    expect(bytes).toBeLessThan(6_000_000);
    expect(names).toEqual(expect.arrayContaining(['lambdesque', 'ioredis', '@upstash/redis']));
    expect(
      names.filter((name) => /esbuild|cdk|constructs|commander|croner|string-width|valibot|zod/.test(name)),
    ).toEqual([]);
  });
});

/** A program that enqueues, in either kind of module. */
const PRODUCER = `
const [url, token] = process.argv.slice(2);
const Hello = defineJob({ class: 'Hello', queue: 'produced', perform() {} });
const client = createClient({ url, token });
client.enqueue(Hello, ['hi']).then(() => client.close()).then(() => console.log('closed'));
`;
/** Prints what of node_modules was loaded. */
const TRACE = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load(url, context, next) { loaded.push(url.replace(/.*node_modules\\//, '')); return next(url, context); } });
process.once('exit', () => console.error(loaded.join('\\n')));
`;

describe('a program that enqueues', () => {
  beforeAll(() =>
    folder.write({
      'producer.mjs': `import { createClient, defineJob } from 'lambdesque';${PRODUCER}`,
      'producer.cjs': `const { createClient, defineJob } = require('lambdesque');${PRODUCER}`,
      'trace.mjs': TRACE,
    }),
  );

  test.each([
    ['ESM', 'TCP'],
    ['ESM', 'Upstash REST'],
    ['CommonJS', 'TCP'],
    ['CommonJS', 'Upstash REST'],
  ])('in %s over %s ends by itself', async (kind, by) => {
    const file = kind === 'ESM' ? 'producer.mjs' : 'producer.cjs';
    const to = by === 'TCP' ? [redis.url] : [upstash.url, upstash.token];
    expect(await folder.run(process.execPath, [file, ...to])).toEqual({ code: 0, stdout: 'closed\n', stderr: '' });
    expect(await queued(redis.client, 'produced')).toEqual([
      expect.stringMatching(/^{"class":"Hello","args":\["hi"\]/),
    ]);
  });

  test('loads the library of its Redis, and nothing of the command line, the functions or the infrastructure', async () => {
    const loads = async (...to: readonly string[]) =>
      (await folder.run(process.execPath, ['--import', './trace.mjs', 'producer.mjs', ...to])).stderr.split('\n');
    const [tcp, rest] = await Promise.all([loads(redis.url), loads(upstash.url, upstash.token)]);
    expect(tcp.some((path) => path.startsWith('ioredis/'))).toBe(true);
    expect(rest.some((path) => path.startsWith('@upstash/redis/'))).toBe(true);
    expect(tcp.filter((path) => /^@?upstash/.test(path))).toEqual([]);
    expect(rest.filter((path) => path.startsWith('ioredis/'))).toEqual([]);
    const ours = [...tcp, ...rest].filter((path) => path.startsWith('lambdesque/'));
    expect(ours.length).toBeGreaterThan(10);
    // croner reads the cron entries that a client writes.
    expect(ours.filter((path) => !/^lambdesque\/dist\/(shared\/|vendor\/croner\.js)/.test(path))).toEqual([]);
  });
});

describe('TypeScript, strict, with the types of libraries checked', () => {
  const STRICT = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    types: ['node'],
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: false,
  };
  const PROGRAM = `
import { runJob } from 'lambdesque/testing';
import { type AnyJobDefinition, ConfigError, createClient, createWorker, defineJob, type JobContext } from 'lambdesque';

export const Hello = defineJob({
  class: 'Hello',
  queue: 'produced',
  async perform([name], ctx: JobContext) {
    ctx.log.info(String(name), { attempt: ctx.job.attempt });
  },
});
export async function main(): Promise<string | undefined> {
  await using client = createClient({ url: 'redis://localhost', jobs: [Hello] });
  const { id } = await client.enqueue(Hello, ['hi'], { in: '30s' });
  // @ts-expect-error in takes a duration
  await client.enqueue(Hello, ['hi'], { in: [] });
  // @ts-expect-error there is no such option
  createWorker({ url: 'redis://localhost', jobs: [Hello], queues: ['produced'], nothing: true });
  const { outcome } = await runJob(Hello, ['hi']);
  // @ts-expect-error there is no such outcome
  if (outcome === 'nothing') return undefined;
  const all: readonly AnyJobDefinition[] = [Hello];
  return all.length === 0 ? new ConfigError('none').message : id;
}
`;

  beforeAll(() => folder.link('@types/node', 'undici-types'));

  test.each([
    ['nodenext', { module: 'nodenext' }, 'index.mts'],
    ['nodenext, in a CommonJS module', { module: 'nodenext' }, 'index.cts'],
    ['bundler', { module: 'esnext', moduleResolution: 'bundler' }, 'index.ts'],
  ])('%s', async (title, options, name) => {
    const at = `typescript/${title.replaceAll(/\W/g, '-')}`;
    folder.write({
      [`${at}/package.json`]: PRIVATE,
      [`${at}/tsconfig.json`]: JSON.stringify({ compilerOptions: { ...STRICT, ...options }, files: [name] }),
      [`${at}/${name}`]: PROGRAM,
    });
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(await folder.run(process.execPath, [tsc, '--pretty', 'false', '-p', at])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });
});

describe('the command line', () => {
  const npx = (...args: readonly string[]) => folder.run('npx', ['--no', '--', 'lambdesque', ...args]);
  const JOBS = {
    'functions/jobs/index.ts':
      "import { defineJob } from 'lambdesque';\nenum Kind { A = 'ran' }\n" +
      "export default [defineJob({ class: 'Hello', queue: 'produced', perform: (_, ctx) => ctx.log.info(Kind.A) })];\n",
  };

  test('says its version, and its help', async () => {
    expect(await npx('--version')).toEqual({ code: 0, stdout: `${own.version}\n`, stderr: '' });
    const { code, stdout } = await npx('--help');
    expect(code).toBe(0);
    for (const command of ['work', 'enqueue', 'init']) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
  });

  test('needs no more to enqueue', async () => {
    const args = ['enqueue', 'Hello', 'hi', '--queue', 'produced', '--uri', redis.url];
    expect(await npx(...args)).toMatchObject({ code: 0, stderr: '' });
    expect(await queued(redis.client, 'produced')).toHaveLength(1);
  });

  test('needs esbuild for a jobs module, and says how to get it; then it runs the jobs', async () => {
    folder.write(JOBS);
    await redis.client.rpush('resque:queue:produced', '{"class":"Hello","args":[]}');
    const work = ['work', '--queues', 'produced', '--exit-on-complete', '--uri', redis.url];
    expect(await npx(...work)).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/esbuild, which is not installed\. Run: npm install esbuild\n$/),
    });
    folder.link('esbuild', '@esbuild');
    const { code, stdout } = await npx(...work);
    expect(code).toBe(0);
    expect(stdout).toContain('"msg":"ran"');
    expect(await queued(redis.client, 'produced')).toEqual([]);
  });
});
