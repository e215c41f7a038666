import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError, type Telemetry } from '../../shared/index.ts';
import { type OpenTelemetryApi, openTelemetry } from '../../shared/opentelemetry/index.ts';

/**
 * Traces by the `@opentelemetry/api` of the project in the working directory; what `node --import` has registered there sends them.
 * @throws ConfigError where it is not installed
 */
export async function loadTelemetry(): Promise<Telemetry> {
  let file: string;
  try {
    file = createRequire(join(process.cwd(), 'package.json')).resolve('@opentelemetry/api');
  } catch (cause) {
    throw new ConfigError(
      '--tracing needs @opentelemetry/api, which is not installed here. Run: npm install @opentelemetry/api',
      {
        cause,
      },
    );
  }
  const { default: api } = (await import(pathToFileURL(file).href)) as { readonly default: OpenTelemetryApi };
  return openTelemetry(api);
}
