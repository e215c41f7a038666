import { Template } from 'aws-cdk-lib/assertions';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { aliases, bundling, entries } from '../../functions/contract/bundling.ts';
import { type FunctionTracing, Lambdesque } from '../../infra/index.ts';
import { functionOf, statementsOf, testStack, upstash } from './stack.ts';

function traced(tracing?: FunctionTracing) {
  const stack = testStack();
  new Lambdesque(stack, 'Jobs', {
    redis: upstash(stack),
    jobs: 'test/infra/jobs/good.ts',
    consumers: { mail: { queues: '*' } },
    ...(tracing === undefined ? {} : { tracing }),
  });
  return Template.fromStack(stack);
}

const variables = (template: Template, fn: RegExp) =>
  (functionOf(template, fn)['Environment'] as { Variables: Record<string, unknown> }).Variables;

test('nothing is traced unless it is asked for', () => {
  const mail = functionOf(traced(), /mail/);
  expect(mail).not.toHaveProperty('TracingConfig');
  expect(mail).not.toHaveProperty('Layers');
});

test('by X-Ray: each function may send segments, and has no layer', () => {
  const template = traced('xray');
  for (const fn of [/mail/, /Scheduler/]) {
    expect(functionOf(template, fn)).toMatchObject({ TracingConfig: { Mode: 'Active' } });
    expect(functionOf(template, fn)).not.toHaveProperty('Layers');
    const allowed = statementsOf(template, fn).flatMap(({ actions }) => actions);
    expect(allowed).toEqual(expect.arrayContaining(['xray:PutTraceSegments', 'xray:PutTelemetryRecords']));
  }
});

describe('by ADOT', () => {
  test('the layer that the CDK knows, of the region', () => {
    const template = traced('adot');
    const mail = functionOf(template, /mail/);
    expect(mail).toMatchObject({ TracingConfig: { Mode: 'Active' }, Layers: [expect.anything()] });
    expect(variables(template, /mail/)).toMatchObject({ AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' });
  });

  test('or one of one’s own', () => {
    const adotLayer = 'arn:aws:lambda:eu-central-1:615299751070:layer:AWSOpenTelemetryDistroJs:9';
    const template = traced({ adotLayer });
    expect(functionOf(template, /Scheduler/)).toMatchObject({ Layers: [adotLayer] });
    expect(variables(template, /Scheduler/)).toMatchObject({ AWS_LAMBDA_EXEC_WRAPPER: '/opt/otel-handler' });
  });

  test('anything else is refused', () => {
    expect(() => traced('otel' as never)).toThrow(
      /tracing must be 'xray', 'adot' or \{ adotLayer: '<ARN>' \}; got "otel"/,
    );
  });
});

test('only a bundle that traces holds anything of OpenTelemetry', async () => {
  const packages = async (isTraced: boolean) => {
    const { metafile } = await build({
      ...bundling,
      entryPoints: [entries.consumer],
      banner: { js: bundling.banner },
      external: [...bundling.external],
      mainFields: [...bundling.mainFields],
      conditions: [...bundling.conditions],
      alias: aliases('upstash', `${import.meta.dirname}/jobs/good.ts`, undefined, undefined, isTraced),
      outdir: '/build',
      write: false,
      metafile: true,
    });
    const inputs = Object.values(metafile.outputs).flatMap((one) => Object.keys(one.inputs));
    return inputs.filter((path) => /opentelemetry/.test(path)).length;
  };
  expect(await packages(false)).toBe(0);
  expect(await packages(true)).toBeGreaterThan(10);
});
