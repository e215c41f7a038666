import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, type Template } from 'aws-cdk-lib/assertions';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { settingsText } from '../../functions/runtime/settings-text.ts';
import { RedisConnection } from '../../infra/index.ts';
import { afterEachFile } from '../helpers/cleanup.ts';

const { context } = JSON.parse(readFileSync(new URL('../../cdk.json', import.meta.url), 'utf8')) as {
  context: Record<string, unknown>;
};

// CDK's own check of templates takes seconds for each; synth.test.ts has it on.
process.env['CDK_VALIDATION'] = 'false';

const outputs: string[] = [];
afterEachFile(() => {
  for (const folder of outputs.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An app with the flags of cdk.json; nothing is bundled unless asked for, as most tests are not about the bundles. */
export function testApp({ bundling = false } = {}): App {
  const outdir = mkdtempSync(join(tmpdir(), 'lambdesque-cdk-'));
  outputs.push(outdir);
  return new App({ outdir, context: { ...context, ...(bundling ? {} : { 'aws:cdk:bundling-stacks': [] }) } });
}

export function testStack(): Stack {
  return new Stack(testApp(), 'Test');
}

export function upstash(stack: Stack, id = 'Token'): RedisConnection {
  const token = Secret.fromSecretNameV2(stack, id, 'upstash-token');
  return RedisConnection.upstash({ url: 'https://example.upstash.io', token });
}

/** The one function of the template whose logical id matches. */
export function functionOf(template: Template, id: RegExp): FunctionProperties {
  const found = Object.entries(template.findResources('AWS::Lambda::Function')).filter(([name]) => id.test(name));
  if (found.length !== 1)
    throw new Error(`${found.length} functions match ${id}: ${found.map(([name]) => name).join(', ')}`);
  return found[0]?.[1]['Properties'] as FunctionProperties;
}

export interface FunctionProperties {
  readonly [name: string]: unknown;
  readonly Environment: { readonly Variables: Readonly<Record<string, unknown>> };
}

/**
 * What the function will read, from its asset and from its one variable. References stand in it as `<logical id>`.
 * @param folder with the assets @default those of the stacks of `testApp`
 */
export function settingsOf(template: Template, id: RegExp, folder?: string): unknown {
  const fn = functionOf(template, id);
  const { S3Key: key } = fn['Code'] as { S3Key: string };
  const asset = `asset.${key.replace('.zip', '')}`;
  const found = (folder === undefined ? outputs : [folder]).find((one) => existsSync(join(one, asset)));
  if (found === undefined) throw new Error(`no ${asset}`);
  const bundle = pathToFileURL(join(found, asset, 'index.mjs')).href;
  return JSON.parse(settingsText(bundle, textOf(fn.Environment.Variables['LAMBDESQUE_SETTINGS'])) ?? '');
}

/** A value of a template as text, with each reference as `<logical id>`, or `<logical id.attribute>`. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof ref === 'string') return `<${ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join)) return (join[1] as unknown[]).map(textOf).join('');
  throw new Error(`not a text: ${JSON.stringify(value)}`);
}

export interface Statement {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** What the policies of roles whose logical ids match allow, as text. */
export function statementsOf(template: Template, role: RegExp): Statement[] {
  const list = (value: unknown) => (Array.isArray(value) ? value : [value]).map(textOf).sort();
  return Object.values(template.findResources('AWS::IAM::Policy'))
    .filter((policy) => list(policy['Properties'].Roles).some((name) => role.test(name.slice(1))))
    .flatMap((policy) => policy['Properties'].PolicyDocument.Statement as Record<string, unknown>[])
    .map((one) => ({ actions: list(one['Action']), resources: list(one['Resource']) }));
}

export function warningsOf(stack: Stack): string[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.anyValue())
    .map((one) => String(one.entry.data));
}
