import * as api from '@opentelemetry/api';
import { openTelemetry } from '../../shared/opentelemetry/index.ts';
import { tracerOf } from './tracer.ts';

/** What `lambdesque-telemetry` is with `tracing: 'adot'`: the layer has registered what sends the spans with the API, in every copy of it. */
export const tracer = tracerOf(openTelemetry(api));
