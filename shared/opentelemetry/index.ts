/**
 * Traces by OpenTelemetry, whose API the program brings along: nothing else of this package needs it.
 * @module lambdesque/opentelemetry
 */

import type * as Api from '@opentelemetry/api';
import { type Telemetry, traceContext } from '../telemetry.ts';

export type { Operation, SentJob, Telemetry, TraceContext, TracedJob } from '../telemetry.ts';

/** What `import * as api from '@opentelemetry/api'` has, as far as it is needed. */
export type OpenTelemetryApi = Pick<
  typeof Api,
  'context' | 'propagation' | 'ROOT_CONTEXT' | 'SpanKind' | 'SpanStatusCode' | 'trace'
>;

const NAME = 'lambdesque';
/** A handler that does not end after it was aborted has its span ended for it, ms. */
const GRACE_MS = 5_000;

/**
 * Spans by the conventions for messaging: `send <queue>` around an enqueue within a trace, which the payload then carries;
 * `process <queue>` around each run, a child of that, or with a link to it where another span is active; `sync` and `tick` where they did something.
 * @param api the program's own `@opentelemetry/api`
 * @throws TypeError for what is no such API
 * @example
 * // import * as api from '@opentelemetry/api';
 * const client = createClient({ url: 'redis://localhost:6379', telemetry: openTelemetry(api) });
 */
export function openTelemetry(api: OpenTelemetryApi): Telemetry {
  const { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = api ?? {};
  if (typeof trace?.getTracer !== 'function' || typeof propagation?.inject !== 'function') {
    throw new TypeError("openTelemetry takes the API: import * as api from '@opentelemetry/api'; openTelemetry(api).");
  }
  const tracer = () => trace.getTracer(NAME);
  const messaging = (type: 'send' | 'process', queue: string, id: string | undefined) => ({
    'messaging.system': 'resque',
    'messaging.operation.name': type,
    'messaging.operation.type': type,
    'messaging.destination.name': queue,
    ...(id === undefined ? {} : { 'messaging.message.id': id }),
  });

  function fail(span: Api.Span, error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
    span.recordException(error instanceof Error ? error : message);
    span.setAttribute('error.type', name);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
  }

  return {
    async enqueue(push) {
      const active = context.active();
      const parent = trace.getSpanContext(active);
      // Where nobody traces, payloads stay as Resque has them, byte for byte.
      if (!parent || !trace.isSpanContextValid(parent)) return push(undefined);
      const span = tracer().startSpan('send', { kind: SpanKind.PRODUCER }, active);
      const within = trace.setSpan(active, span);
      const carrier: Record<string, string> = {};
      propagation.inject(within, carrier);
      try {
        const jobs = await context.with(
          within,
          push,
          undefined,
          traceContext(carrier['traceparent'], carrier['tracestate']),
        );
        const queues = new Set(jobs.map(({ queue }) => queue));
        const [queue] = queues;
        if (queues.size === 1 && queue !== undefined) {
          span.updateName(`send ${queue}`);
          span.setAttributes(messaging('send', queue, jobs.length === 1 ? jobs[0]?.id : undefined));
        } else {
          span.setAttributes({
            'messaging.system': 'resque',
            'messaging.operation.name': 'send',
            'messaging.operation.type': 'send',
          });
        }
        if (jobs.length > 1) span.setAttribute('messaging.batch.message_count', jobs.length);
        return jobs;
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },

    run(job, signal, handler) {
      const active = context.active();
      const sent = job.trace && propagation.extract(ROOT_CONTEXT, { ...job.trace });
      const creation = sent && trace.getSpanContext(sent);
      // Where this run stands in a trace already, that of the job is linked.
      const isWithin = trace.getSpanContext(active) !== undefined;
      const span = tracer().startSpan(
        `process ${job.queue}`,
        {
          kind: SpanKind.CONSUMER,
          attributes: {
            ...messaging('process', job.queue, job.id),
            'messaging.resque.job_class': job.class,
            'messaging.resque.job_attempt': job.attempt,
          },
          ...(creation ? { links: [{ context: creation }] } : {}),
        },
        isWithin || !sent ? active : sent,
      );
      let ended = false;
      const end = (error?: unknown, failed = false) => {
        if (ended) return;
        ended = true;
        if (failed) fail(span, error);
        span.end();
      };
      signal.addEventListener(
        'abort',
        () => {
          span.addEvent('aborted');
          setTimeout(() => end(signal.reason, true), GRACE_MS).unref();
        },
        { once: true },
      );
      try {
        const result = context.with(trace.setSpan(isWithin || !sent ? active : sent, span), handler);
        if (!isThenable(result)) {
          end();
          return result;
        }
        // Asked once: a query builder runs its query each time somebody asks for its result.
        const promise = Promise.resolve(result);
        promise.then(
          () => end(),
          (error: unknown) => end(error, true),
        );
        return promise;
      } catch (error) {
        end(error, true);
        throw error;
      }
    },

    did({ name, startedAt, counts }) {
      const attributes = Object.fromEntries(
        Object.entries(counts)
          .filter(([, count]) => count !== 0)
          .map(([of, count]) => [`lambdesque.${of}`, count]),
      );
      const started = {
        startTime: startedAt,
        kind: SpanKind.CLIENT,
        attributes: { 'messaging.system': 'resque', ...attributes },
      };
      tracer().startSpan(name, started, ROOT_CONTEXT).end();
    },

    async flush() {
      const provider = trace.getTracerProvider() as Flushing & { getDelegate?(): Flushing };
      // Not to be thrown: what is lost are traces.
      await (provider.getDelegate?.() ?? provider).forceFlush?.().catch(() => {});
    },
  };
}

/** What an SDK's provider has, and the API does not say. */
interface Flushing {
  forceFlush?(): Promise<void>;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
