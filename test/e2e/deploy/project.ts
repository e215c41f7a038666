/** A copy of this repository's code, to deploy from: the test changes it as a user changes the code between deployments. */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const PARTS = [
  'functions',
  'infra',
  'shared',
  'test/e2e/deploy/apps',
  'cdk.json',
  'package-lock.json',
  'package.json',
  'tsconfig.json',
];

export type Outputs = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Project {
  /** Runs `cdk`. @throws with what it printed, if it fails */
  cdk(args: readonly string[]): Promise<string>;
  /** `cdk deploy`. @param app one of apps/  @default that of cdk.json  @returns outputs by stack */
  deploy(options?: { readonly app?: string; readonly context?: Readonly<Record<string, string>> }): Promise<Outputs>;
  /** Changes a file. */
  edit(file: string, change: (text: string) => string): Promise<void>;
}

/** Arguments of `cdk` for another app than that of cdk.json. @param name its file in apps/ */
export function otherApp(name: string): readonly string[] {
  return ['--app', `node test/e2e/deploy/apps/${name}.ts`, '--output', `cdk.out.${name}`];
}

export async function makeProject(folder: string, env: Readonly<Record<string, string>>): Promise<Project> {
  await mkdir(folder);
  for (const part of PARTS) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const { PATH = '' } = process.env;

  const project: Project = {
    cdk: (args) =>
      new Promise((resolve, reject) => {
        const options = {
          cwd: folder,
          maxBuffer: 64 * 1024 * 1024,
          env: {
            ...env,
            PATH: `${join(ROOT, 'node_modules/.bin')}:${PATH}`,
            HOME: folder,
            NO_COLOR: '1',
            CI: 'true',
            CDK_DISABLE_CLI_TELEMETRY: 'true',
            // test/infra/synth.test.ts has it on.
            CDK_VALIDATION: 'false',
          },
        };
        execFile('cdk', [...args], options, (error, stdout, stderr) => {
          const said = `${stdout}${stderr}`;
          if (error) reject(new Error(`cdk ${args.join(' ')} failed:\n${said}`));
          else resolve(said);
        });
      }),
    async deploy({ app, context = {} } = {}) {
      const file = join(folder, 'outputs.json');
      await project.cdk([
        'deploy',
        '--all',
        '--require-approval=never',
        '--concurrency=2',
        `--outputs-file=${file}`,
        ...(app === undefined ? [] : otherApp(app)),
        ...Object.entries({ alarmEmail: 'none', ...context }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
      ]);
      return JSON.parse(await readFile(file, 'utf8')) as Outputs;
    },
    async edit(file, change) {
      const path = join(folder, file);
      const before = await readFile(path, 'utf8');
      const after = change(before);
      if (after === before) throw new Error(`${file} was to be changed, and was not.`);
      await writeFile(path, after);
    },
  };
  return project;
}
