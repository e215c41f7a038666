import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The rules of the house: which file may import what, and what every file has to look like. */

const ROOT = join(import.meta.dirname, '../..');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  readonly name: string;
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
};

interface Source {
  /** From the top of the repository. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly uncommented: string;
  /** The text without comments and without what stands in strings. */
  readonly code: string;
  /** What it imports: a path from the top of the repository, or the name of a package. */
  readonly imports: readonly string[];
}

/** A comment, or a string of any kind. */
const COMMENT_OR_STRING = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
const IMPORTS = [
  /\b(?:import|export)\s[^'"`;]*?\bfrom\s*'([^']+)'/g,
  /\bimport\s*\(\s*'([^']+)'\s*\)/g,
  /\bimport\s+'([^']+)'/g,
];

function sourceOf(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const uncommented = text.replace(COMMENT_OR_STRING, (found) => (found.startsWith('/') ? ' ' : found));
  const code = text.replace(COMMENT_OR_STRING, (found) => (found.startsWith('/') ? ' ' : "''"));
  const specifiers = IMPORTS.flatMap((pattern) => [...uncommented.matchAll(pattern)].map((found) => found[1] ?? ''));
  return { path, text, uncommented, code, imports: specifiers.map((specifier) => target(path, specifier)) };
}

/** Where an import leads: our own package's names are resolved as Node does. */
function target(from: string, specifier: string): string {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const own = specifier.startsWith(PACKAGE.name) && PACKAGE.exports[specifier.replace(PACKAGE.name, '.')];
  return own ? sourceOfBuilt(own.default) : specifier;
}

/** `shared/index.ts` for `./dist/shared/index.js`. */
function sourceOfBuilt(path: string): string {
  return path.replace('./dist/', '').replace(/\.js$/, '.ts');
}

function filesIn(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => sourceOf(relative(ROOT, join(entry.parentPath, entry.name))));
}

/** Without what is a user's own: the project that `lambdesque init` copies, and examples. */
const sources = ['functions', 'infra', 'shared']
  .flatMap(filesIn)
  .filter(({ path }) => !/^infra\/(local\/template|examples)\//.test(path));

const PUBLIC = 'shared/index.ts';
/** By itself, so that only what traces needs OpenTelemetry. */
const TRACES = 'shared/opentelemetry/index.ts';
/** What the commands serve. */
const DASHBOARD = 'functions/dashboard/index.ts';
/** What functions and infra may use besides. */
const INTERNAL = 'shared/internal.ts';
const BACKENDS = ['shared/broker/redis/tcp.ts', 'shared/broker/redis/upstash.ts'];

/** The imports of these files that a rule does not allow, `file → import`. */
function forbidden(files: (path: string) => boolean, allows: (target: string) => boolean): string[] {
  return sources
    .filter(({ path }) => files(path))
    .flatMap(({ path, imports }) => imports.filter((one) => !allows(one)).map((one) => `${path} → ${one}`));
}

function filesWith(pattern: RegExp): string[] {
  return sources.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
}

describe('the reader of these rules', () => {
  test('sees every kind of import, by its own path', () => {
    const imports = (path: string) => sources.find((source) => source.path === path)?.imports;
    expect(imports('shared/broker/redis/tcp.ts')).toEqual(
      expect.arrayContaining(['ioredis', 'shared/broker/redis/url.ts', 'shared/broker/redis/client.ts']),
    );
    expect(imports(INTERNAL)).toContain('shared/worker/worker.ts');
    expect(imports('functions/jobs/hello.ts')).toContain(PUBLIC);
    expect(imports('shared/broker/redis/open.ts'), 'import(…)').toEqual(expect.arrayContaining(BACKENDS));
    expect(imports('shared/job/middleware.ts'), 'import type').toContain('shared/job/context.ts');
  });

  test('sees code, and neither comments nor strings', () => {
    const { code = '', text = '' } = sources.find(({ path }) => path === 'shared/wire/worker-id.ts') ?? {};
    expect(text).toContain('tells one process from any');
    expect(text).toContain('lambdesque-');
    expect(code).not.toMatch(/tells one process|lambdesque-/);
    expect(code).toContain('export function tokenOf');
  });
});

describe('imports go one way', () => {
  test('functions and infra use of shared its index, internal.ts and the backends', () => {
    const found = forbidden(
      (path) => path.startsWith('functions/') || path.startsWith('infra/'),
      (to) => !to.startsWith('shared/') || [PUBLIC, INTERNAL, TRACES, ...BACKENDS].includes(to),
    );
    expect(found).toEqual([]);
  });

  test('a backend is loaded where it is needed, so that a bundle holds only that one', () => {
    const loaders = sources
      .filter(({ imports }) => imports.some((to) => BACKENDS.includes(to)))
      .map(({ path }) => path);
    expect(loaders.sort()).toEqual(['functions/backends/tcp.ts', 'shared/broker/redis/open.ts']);
    expect(sources.find(({ path }) => path === 'shared/broker/redis/open.ts')?.text).not.toMatch(
      /^import .*(tcp|upstash)\.ts/m,
    );
  });

  test('what is published names files that are there', () => {
    expect(Object.values(PACKAGE.exports).flatMap((one) => (one.default ? [sourceOfBuilt(one.default)] : []))).toEqual([
      PUBLIC,
      'shared/testing/index.ts',
      'functions/lambda/index.ts',
      'shared/opentelemetry/index.ts',
      'infra/index.ts',
    ]);
  });

  test('infra uses of functions their contract, and the jobs and cron entries that an app deploys', () => {
    const contract = /^functions\/(contract|jobs)\//;
    expect(
      forbidden(
        (path) => path.startsWith('infra/') && !path.startsWith('infra/local/'),
        (to) => !to.startsWith('functions/') || contract.test(to),
      ),
    ).toEqual([]);
    expect(
      forbidden(
        (path) => path.startsWith('infra/local/'),
        (to) => !to.startsWith('functions/') || contract.test(to) || to === DASHBOARD,
      ),
    ).toEqual([]);
  });

  test('the dashboard knows neither AWS nor Node nor who serves it, and the browser’s part only itself', () => {
    const inside = (path: string) => path.startsWith('functions/dashboard/');
    const inBrowser = (path: string) => path.startsWith('functions/dashboard/browser/');
    expect(
      forbidden(
        (path) => inside(path) && !inBrowser(path),
        (to) =>
          /^(functions\/dashboard\/(?!browser\/)|functions\/(backends\/backend|contract\/prices)\.ts$|shared\/|hono(\/|$))/.test(
            to,
          ),
      ),
    ).toEqual([]);
    expect(forbidden(inBrowser, (to) => inBrowser(to) || /^(uplot|idiomorph)$/.test(to))).toEqual([]);
    const serverSide = sources.filter(({ path }) => inside(path) && !inBrowser(path));
    expect(serverSide.filter(({ code }) => /\b(Buffer|process)\b/.test(code)).map(({ path }) => path)).toEqual([]);
  });

  test('functions import nothing from infra', () => {
    expect(
      forbidden(
        (path) => path.startsWith('functions/'),
        (to) => !to.startsWith('infra/'),
      ),
    ).toEqual([]);
  });

  test('shared knows neither functions nor infra, nor AWS, nor itself by its public name', () => {
    const found = forbidden(
      (path) => path.startsWith('shared/'),
      (to) => !/^(\.\.|functions\/|infra\/|test\/|aws-|@aws|aws4fetch|constructs|cdk|@types\/aws|lambdesque)/.test(to),
    );
    expect(found).toEqual([]);
    expect(
      forbidden(
        (path) => path.startsWith('shared/'),
        (to) => to !== PUBLIC && to !== INTERNAL,
      ),
    ).toEqual([]);
  });
});

describe('inside shared, imports lead down', () => {
  /** From the top; what stands in one row may not import each other. */
  const LAYERS = [
    ['index', 'internal'],
    ['testing'],
    ['service', 'metrics', 'opentelemetry'],
    ['client'],
    ['inspect'],
    ['scheduler', 'worker'],
    ['broker'],
    ['job', 'queues', 'wire'],
    [
      'types',
      'flow',
      'config',
      'duration',
      'errors',
      'env',
      'clock',
      'limit',
      'log',
      'json',
      'nearest',
      'options',
      'telemetry',
    ],
  ];
  /** Those of a row that are one for these rules: what a job is, in memory and on the wire; and what everything is built of. */
  const TOGETHER = LAYERS.slice(-2);

  const partOf = (path: string) => /^shared\/(\w+)/.exec(path)?.[1] ?? '';
  const rankOf = (part: string) => LAYERS.findIndex((row) => row.includes(part));
  const inShared = sources.filter(({ path }) => path.startsWith('shared/'));

  test('every part has its place', () => {
    expect([...new Set(inShared.map(({ path }) => partOf(path)))].filter((part) => rankOf(part) === -1)).toEqual([]);
  });

  test('of types too', () => {
    const upwards = inShared.flatMap(({ path, imports }) =>
      imports
        .filter((to) => to.startsWith('shared/'))
        .filter((to) => {
          const [from, into] = [partOf(path), partOf(to)];
          if (from === into || TOGETHER.some((row) => row?.includes(from) && row.includes(into))) return false;
          return rankOf(into) <= rankOf(from);
        })
        .map((to) => `${path} → ${to}`),
    );
    expect(upwards).toEqual([]);
  });
});

test('imports never lead in a circle, of types neither', () => {
  const next = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' → '));
    if (done.has(path) || way.includes(path)) return;
    for (const to of next.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const { path } of sources) visit(path, []);
  expect(circles).toEqual([]);
});

describe('one place for each thing', () => {
  test('one file reads the environment', () => {
    const readers = filesWith(/\bprocess\s*\.\s*env\b|\bprocess\s*\[|\{[^}]*\benv\b[^}]*\}\s*=\s*process\b/);
    const importers = sources
      .filter(({ text }) => /import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'(node:)?process'/.test(text))
      .map(({ path }) => path);
    expect([...readers, ...importers]).toHaveLength(1);
  });

  test('one file for each backend imports a Redis library, and no library is imported twice', () => {
    const isLibrary = (to: string) => /redis|valkey/i.test(to) && !/^(functions|infra|shared)\//.test(to);
    const pairs = sources.flatMap(({ path, imports }) =>
      imports.filter(isLibrary).map((library) => ({ path, library })),
    );
    expect(pairs).toContainEqual({ path: 'shared/broker/redis/tcp.ts', library: 'ioredis' });
    expect(pairs.filter(({ path }) => !BACKENDS.includes(path))).toEqual([]);
    expect(new Set(pairs.map(({ library }) => library)).size).toBe(pairs.length);
  });
});

test('what a file exports, another one imports', () => {
  /** What bundles begin with, and what is put into them by another name. */
  const inBundles = /^functions\/(entries|telemetry)\/|^functions\/(dashboard|doorbell)\.ts$/;
  const every = ['functions', 'infra', 'shared', 'test'].flatMap(filesIn);
  const used = new Set<string>();
  for (const { path, uncommented } of every) {
    for (const [, what = '', specifier = ''] of uncommented.matchAll(
      /\b(?:import|export)\s([^'"`;]*?)\bfrom\s*'([^']+)'/g,
    )) {
      const from = target(path, specifier);
      if (what.includes('*')) used.add(from);
      for (const [name] of what.matchAll(/\w+/g)) used.add(`${from} ${name}`);
    }
    for (const [, specifier = ''] of uncommented.matchAll(/\bimport\('([^']+)'\)/g)) used.add(target(path, specifier));
  }
  const unused = sources
    .filter(({ path }) => !used.has(path) && !inBundles.test(path))
    .flatMap(({ path, uncommented }) =>
      [...uncommented.matchAll(/^export (?:async |abstract )*(?:function\*?|const|let|class|interface|type) (\w+)/gm)]
        .map(([, name]) => `${path} ${name}`)
        .filter((one) => !used.has(one)),
    );
  expect(unused).toEqual([]);
});

describe('time', () => {
  /** They measure real time, sign requests with it, or say what the time is to those that do not look for themselves. */
  const MEASURE = /^test\/(helpers|bench|chaos|e2e\/deploy)\//;
  /** The test of the moved date itself. */
  const REMAINING = ['test/unit/date/shift-date.test.ts'];
  const CLOCK = /\bDate\.now\b|\bnew Date\(\)|(?<!new )\bDate\(\)/;

  test('no test reads the clock of the machine: it would fail in every clone some day', () => {
    const readers = filesIn('test').filter(({ path, uncommented }) => !MEASURE.test(path) && CLOCK.test(uncommented));
    const others = readers.map(({ path }) => path).filter((path) => path !== 'test/unit/architecture.test.ts');
    expect(others.sort()).toEqual(REMAINING);
  });
});

test('a helper has no hook of its own: test files share it, so that it would be one of the first file alone', () => {
  const helpers = filesIn('test').filter(({ path }) => !/\.test\.ts$|^test\/helpers\/setup\.ts$/.test(path));
  expect(helpers.length).toBeGreaterThan(50);
  const hooked = helpers.filter(({ code }) => /^(before|after)(Each|All)\(/m.test(code));
  expect(hooked.map(({ path }) => path)).toEqual([]);
});

describe('the oldest Node that package.json names', () => {
  // Each is undefined or a syntax error there, and would be found only where that line runs.
  test.each([
    ['import.meta.main, without ?? behind it', /\bimport\.meta\.main\b(?! \?\?)/],
    ['Error.isError, without ?. behind it', /\bError\.isError\b(?!\?\.)/],
    ['using', /^\s*(await )?using \w+ = /m],
    [
      'what Promise, RegExp, Math and Iterator got later',
      /\b(Promise\.try|RegExp\.escape|Math\.sumPrecise|Iterator\.(concat|zip))\b/,
    ],
    ['what maps and bytes got later', /\.getOrInsert(Computed)?\(|\bUint8Array\.from(Base64|Hex)\b|\bFloat16Array\b/],
    ['URLPattern and Temporal', /\bnew URLPattern\b|\bTemporal\./],
  ])('has no use for %s', (_what, pattern) => {
    const inShared = sources.filter(
      ({ path }) => !path.startsWith('functions/') || path.startsWith('functions/dashboard/'),
    );
    expect(inShared.filter(({ code }) => pattern.test(code)).map(({ path }) => path)).toEqual([]);
  });
});

describe('every file', () => {
  test('has 300 lines at most', () => {
    const lengths = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > 300)).toEqual([]);
  });

  test('knows its types: no any', () => {
    const inTypes = /(?:[:<|&,(=]\s*|\b(?:as|extends|is|keyof|readonly|satisfies)\s+)any\b/;
    expect(filesWith(inTypes)).toEqual([]);
  });
});

describe('every Lua script', () => {
  const files = sources.filter(({ path }) => path.startsWith('shared/broker/scripts/'));
  const SCRIPT = /(\/\*\*(?:(?!\*\/)[\s\S])*\*\/)?\s*export const \w+ = defineScript\(\s*'([\w-]+)',\s*`([^`]*)`/g;
  const scripts = files.flatMap(({ text }) =>
    [...text.matchAll(SCRIPT)].map(([, header = '', name = '', lua = '']) => ({ name, header, lua })),
  );

  test('is seen by these rules', () => {
    const defined = files.reduce((sum, { code }) => sum + code.split('= defineScript(').length - 1, 0);
    expect(scripts.length).toBe(defined);
    expect(scripts.map(({ name }) => name)).toEqual(expect.arrayContaining(['sync', 'reclaim', 'enqueue']));
  });

  test('has a name of its own', () => {
    expect(new Set(scripts.map(({ name }) => name)).size).toBe(scripts.length);
  });

  test.each(scripts)('$name says what it takes and returns', ({ header, lua }) => {
    expect(header).toMatch(/^\/\*\*\n \* [A-Z]/);
    expect(header).toMatch(/^ \* KEYS {2}\S/m);
    expect(header).toMatch(/^ \* Returns \S/m);
    if (lua.includes('ARGV')) expect(header).toMatch(/^ \* ARGV {2}\S/m);
  });

  // Lua's JSON turns [] into {} and long integers into floats.
  test.each(scripts)('$name takes no payload apart', ({ lua }) => {
    expect(lua).not.toMatch(/cjson|cmsgpack/);
  });
});
