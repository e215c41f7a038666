import { createRequire } from 'node:module';
import {
  AdotLambdaExecWrapper,
  AdotLambdaLayerJavaScriptSdkVersion,
  AdotLayerVersion,
  LayerVersion,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import type { NodejsFunctionProps } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Construct } from 'constructs';

/** How functions are traced: see `SystemOptions.tracing`. */
export type FunctionTracing = 'xray' | 'adot' | AdotLayer;

/** AWS's layer of OpenTelemetry, of a version of your own choice. */
export interface AdotLayer {
  /** ARN, of the functions' region, for ARM64. */
  readonly adotLayer: string;
  /** What starts it before the handler; newer layers have `/opt/otel-instrument`. @default '/opt/otel-handler' */
  readonly execWrapper?: string;
}

export function isAdot(tracing: FunctionTracing | undefined): boolean {
  return tracing !== undefined && tracing !== 'xray';
}

/** Starts the layer before the handler. */
export function wrapperOf(tracing: FunctionTracing | undefined): Record<string, string> {
  if (typeof tracing !== 'object') return {};
  return { AWS_LAMBDA_EXEC_WRAPPER: tracing.execWrapper ?? AdotLambdaExecWrapper.REGULAR_HANDLER };
}

/** @throws Error where the API of OpenTelemetry is missing, or for what is no tracing */
export function tracingProps(
  scope: Construct,
  tracing: FunctionTracing | undefined,
): Pick<NodejsFunctionProps, 'tracing' | 'adotInstrumentation' | 'layers'> {
  if (tracing === undefined) return {};
  if (tracing === 'xray') return { tracing: Tracing.ACTIVE };
  if (tracing !== 'adot' && typeof (tracing as Partial<AdotLayer> | null)?.adotLayer !== 'string') {
    throw new Error(`tracing must be 'xray', 'adot' or { adotLayer: '<ARN>' }; got ${JSON.stringify(tracing)}.`);
  }
  checkApi();
  if (typeof tracing === 'object') {
    return { tracing: Tracing.ACTIVE, layers: [LayerVersion.fromLayerVersionArn(scope, 'Adot', tracing.adotLayer)] };
  }
  return {
    tracing: Tracing.ACTIVE,
    adotInstrumentation: {
      layerVersion: AdotLayerVersion.fromJavaScriptSdkLayerVersion(AdotLambdaLayerJavaScriptSdkVersion.LATEST),
      execWrapper: AdotLambdaExecWrapper.REGULAR_HANDLER,
    },
  };
}

function checkApi(): void {
  try {
    createRequire(import.meta.url).resolve('@opentelemetry/api');
  } catch (cause) {
    throw new Error(
      'tracing by ADOT puts spans around jobs, for which @opentelemetry/api has to be installed: npm install @opentelemetry/api.',
      { cause },
    );
  }
}
