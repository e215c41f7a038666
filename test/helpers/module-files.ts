/** Jobs modules in forms that this repository's own tsconfig does not allow, in a folder of their own, as a user's project would have them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEachFile } from './cleanup.ts';

const PACKAGES = join(import.meta.dirname, '../../node_modules');

const folders: string[] = [];
afterEachFile(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** @param files text by path. @returns the folder; it sees this repository's packages */
export function moduleFiles(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'lambdesque-modules-'));
  folders.push(folder);
  symlinkSync(PACKAGES, join(folder, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const JOB = 'export default [defineJob({ class: "K", perform: () => ran })];';

/** Each has one job, `K`, whose perform returns "ran". The key names the file to load. */
export const SYNTAX: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'enum.ts': {
    'enum.ts': `import { defineJob } from 'lambdesque';\nenum Kind { A = 'ran' }\nconst ran = Kind.A;\n${JOB}`,
  },
  'namespace.ts': {
    'namespace.ts': `import { defineJob } from 'lambdesque';\nnamespace Space { export const ran = 'ran'; }\nconst { ran } = Space;\n${JOB}`,
  },
  'parameter-property.ts': {
    'parameter-property.ts':
      `import { defineJob } from 'lambdesque';\nclass Mailer { constructor(private readonly from: string) {} send() { return this.from; } }\n` +
      `const ran = new Mailer('ran').send();\n${JOB}`,
  },
  'decorator.ts': {
    'decorator.ts':
      `import { defineJob } from 'lambdesque';\nfunction twice(_target: unknown, _context: unknown) {}\n` +
      `class A { @twice run() { return 'ran'; } }\nconst ran = new A().run();\n${JOB}`,
  },
  'legacy-decorator.ts': {
    'tsconfig.json': '{"compilerOptions":{"experimentalDecorators":true}}',
    'legacy-decorator.ts':
      `import { defineJob } from 'lambdesque';\nfunction inject(_target: object, key: string | undefined, index: number) { if (typeof index !== 'number') throw new Error(String(key)); }\n` +
      `class A { run(@inject ran: string) { return ran; } }\nconst ran = new A().run('ran');\n${JOB}`,
  },
  'no-extension.ts': {
    'no-extension.ts': `import { defineJob } from 'lambdesque';\nimport { ran } from './other';\n${JOB}`,
    'other.ts': "export const ran = 'ran';",
  },
  'js-extension.ts': {
    'js-extension.ts': `import { defineJob } from 'lambdesque';\nimport { ran } from './other.js';\n${JOB}`,
    'other.ts': "export const ran = 'ran';",
  },
  'type-not-marked.ts': {
    'tsconfig.json': '{"compilerOptions":{"verbatimModuleSyntax":true,"module":"nodenext"}}',
    'type-not-marked.ts':
      `import { defineJob, JobContext } from 'lambdesque';\nimport { ZodType } from 'zod';\nimport { Shape } from './other';\nconst ran: string = 'ran';\n` +
      `export default [defineJob({ class: 'K', perform(_args: unknown, _ctx: JobContext, _z?: ZodType, _s?: Shape) { return ran; } })];`,
    'other.ts': 'export interface Shape { a: string }',
  },
  folder: {
    'folder/index.ts': `import { K } from './deep/k';\nexport default [K];`,
    'folder/deep/k.ts':
      "import { defineJob } from 'lambdesque';\nexport const K = defineJob({ class: 'K', perform: () => 'ran' });",
  },
  'alias.ts': {
    'tsconfig.json': '{"compilerOptions":{"paths":{"@/*":["./src/*"]}}}',
    'alias.ts': `import { defineJob } from 'lambdesque';\nimport { ran } from '@/other';\n${JOB}`,
    'src/other.ts': "export const ran = 'ran';",
  },
  'common.cjs': {
    'common.cjs':
      "const { defineJob } = require('lambdesque');\nconst z = require('zod');\nif (!z.tuple) throw new Error('no zod');\n" +
      "module.exports = [defineJob({ class: 'K', perform: () => 'ran' })];",
  },
  'with-json.ts': {
    'with-json.ts': `import { defineJob } from 'lambdesque';\nimport config from './config.json';\nconst { ran } = config;\n${JOB}`,
    'config.json': '{"ran":"ran"}',
  },
  'bom-crlf.ts': {
    'bom-crlf.ts': `\ufeffimport { defineJob } from 'lambdesque';\r\nconst ran = 'ran';\r\n${JOB}\r\n`,
  },
  'plain.js': { 'plain.js': `import { defineJob } from 'lambdesque';\nconst ran = 'ran';\n${JOB}` },
  'plain.mts': { 'plain.mts': `import { defineJob } from 'lambdesque';\nconst ran: string = 'ran';\n${JOB}` },
  'view.tsx': { 'view.tsx': `import { defineJob } from 'lambdesque';\nconst ran = 'ran' as string;\n${JOB}` },
  'beside.ts': {
    'data/beside.ts':
      "import { defineJob } from 'lambdesque';\nimport { readFileSync } from 'node:fs';\n" +
      `const ran = readFileSync(new URL('./text', import.meta.url), 'utf8') + readFileSync(import.meta.dirname + '/none', 'utf8');\n${JOB}`,
    'data/text': 'ra',
    'data/none': 'n',
    'beside.ts': "export { default } from './data/beside';",
  },
  'beside.cjs': {
    'beside.cjs':
      "const ran = require('fs').readFileSync(__dirname + '/text', 'utf8');\n" +
      "exports.default = 1;\nmodule.exports = [require('lambdesque').defineJob({ class: 'K', perform: () => ran })];",
    text: 'ran',
  },
};

/** With a top-level await; a constructor cannot load them. */
export const AWAITING: typeof SYNTAX = {
  'awaiting.ts': {
    'awaiting.ts': `import { defineJob } from 'lambdesque';\nconst ran = await Promise.resolve('ran');\n${JOB}`,
  },
};
