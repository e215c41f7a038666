import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { PATIENCE } from '../../helpers/eventually.ts';
import { type FreshFolder, freshFolder, ROOT } from '../../helpers/fresh-folder.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { builtTarball, type Tarball } from './tarball.ts';

/** `npx lambdesque init` in an empty folder, and what README says comes next. */

vi.setConfig({ testTimeout: 4 * PATIENCE, hookTimeout: 4 * PATIENCE });

const TEMPLATE = join(ROOT, 'infra/local/template');
const FILES = ['.gitignore', 'cdk.json', 'functions', 'infra', 'package.json', 'test', 'tsconfig.json', 'vendor'];

interface PackageFile {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const packageIn = (folder: string): PackageFile => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
const own = packageIn(ROOT);

describe('the template', () => {
  test('has the versions with which this repository is tried', () => {
    const { dependencies, devDependencies } = packageIn(TEMPLATE);
    const plain = (range: string | undefined) => range?.replace('^', '');
    for (const [name, range] of Object.entries({ ...dependencies, ...devDependencies })) {
      const here = name === 'lambdesque' ? own.version : plain(own.devDependencies[name]);
      expect(range, name).toBe(`^${here}`);
    }
  });

  test('has the flags of CDK that this repository has', () => {
    const flags = (folder: string) => JSON.parse(readFileSync(join(folder, 'cdk.json'), 'utf8')) as unknown;
    expect(flags(TEMPLATE)).toEqual(flags(ROOT));
  });
});

describe('npx lambdesque init', () => {
  let redis: TestRedis;
  let packed: Tarball;
  let folder: FreshFolder;
  let cache: FreshFolder;
  const npx = (...args: readonly string[]) =>
    // A cache of its own: npx keeps what it has installed for one command.
    folder.run('npx', ['--yes', `--package=${packed.file}`, '--', 'lambdesque', ...args], {
      npm_config_cache: join(cache.path, 'cache'),
    });
  beforeAll(async () => {
    [redis, packed] = await Promise.all([startRedis(), builtTarball()]);
    [folder, cache] = [freshFolder(), freshFolder()];
  });
  afterAll(() => redis.stop());

  test('makes a project in an empty folder, and says what comes next', async () => {
    const { code, stdout } = await npx('init');
    expect(code).toBe(0);
    expect(readdirSync(folder.path).sort()).toEqual(FILES);
    const { name, dependencies } = packageIn(folder.path);
    expect(name).toMatch(/^lambdesque-package-/);
    // As long as it is not on npm, a project has the file that it came from.
    expect(dependencies['lambdesque']).toBe(`file:vendor/${basename(packed.file)}`);
    for (const command of ['npm install', 'npm test', 'npm run dev', 'npm run synth'])
      expect(stdout).toContain(`  ${command}`);
  });

  test('overwrites nothing, and names what is there', async () => {
    const before = readFileSync(join(folder.path, 'package.json'), 'utf8');
    const { code, stdout, stderr } = await npx('init');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^error: init: \.gitignore, cdk\.json, .*tsconfig\.json are in .* already, and not overwritten\./m,
    );
    expect(readFileSync(join(folder.path, 'package.json'), 'utf8')).toBe(before);
  });

  test('the project installs, tests and synthesizes as it is, and runs its job', async () => {
    await folder.install();

    const npm = (...args: readonly string[]) => folder.run('npm', args, { CDK_DISABLE_CLI_TELEMETRY: 'true' });
    expect(await npm('test')).toMatchObject({ code: 0, stdout: expect.stringMatching(/Tests {2}2 passed/) });

    const synth = await npm('run', 'synth', '--', '--quiet');
    expect(synth).toMatchObject({ code: 0 });
    expect(synth.stderr).not.toMatch(/warning/i);
    expect(existsSync(join(folder.path, 'cdk.out/Lambdesque.template.json'))).toBe(true);

    const to = ['--uri', redis.url];
    const lambdesque = (...args: readonly string[]) => folder.run('npx', ['--no', '--', 'lambdesque', ...args, ...to]);
    expect(await lambdesque('enqueue', 'Welcome', 'Zoë')).toMatchObject({ code: 0 });
    const worked = await npm('run', 'work', '--', '--exit-on-complete', ...to);
    expect(worked).toMatchObject({ code: 0, stdout: expect.stringContaining('welcome, Zoë') });
  });
});
