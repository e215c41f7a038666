/**
 * Lambda's Runtime API for one execution environment, as far as a runtime client uses it: hands out one invocation at a
 * time, and takes its answer or its error.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RuntimeError {
  readonly errorType: string;
  readonly errorMessage: string;
}

export interface Order {
  readonly requestId: string;
  readonly event: unknown;
  /** Epoch ms, on the clock that the function has. */
  readonly deadline: number;
  /** `Root=…;Parent=…;Sampled=1` */
  readonly traceId: string;
}

export type Outcome = { readonly answer: unknown } | { readonly error: RuntimeError };

export interface RuntimeApi {
  /** `host:port` */
  readonly address: string;
  /** The environment asks for its first event; what its import took, ms. Rejects with the error of its init. */
  readonly ready: Promise<number>;
  /** Hands it out as soon as the environment asks. */
  invoke(order: Order): Promise<Outcome>;
  stop(): void;
}

const PREFIX = '/2018-06-01/runtime/';

export async function startRuntimeApi(functionArn: string): Promise<RuntimeApi> {
  const ready = Promise.withResolvers<number>();
  ready.promise.catch(() => {});
  let waiting: ServerResponse | undefined;
  let current: { readonly order: Order; readonly done: (outcome: Outcome) => void; handed: boolean } | undefined;

  function hand(): void {
    if (!waiting || !current || current.handed) return;
    const { order } = current;
    current.handed = true;
    waiting
      .writeHead(200, {
        'content-type': 'application/json',
        'lambda-runtime-aws-request-id': order.requestId,
        'lambda-runtime-deadline-ms': String(order.deadline),
        'lambda-runtime-invoked-function-arn': functionArn,
        'lambda-runtime-trace-id': order.traceId,
      })
      .end(JSON.stringify(order.event));
    waiting = undefined;
  }

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url?.replace(PREFIX, '') ?? '';
    if (path === 'invocation/next') {
      waiting = response;
      ready.resolve(Number(request.headers['x-init-ms'] ?? 0));
      return hand();
    }
    const body = JSON.parse(await textOf(request)) as unknown;
    response.writeHead(202).end();
    if (path === 'init/error') return ready.reject(body);
    const [, id, what] = /^invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
    if (!current || current.order.requestId !== id) throw new Error(`${path} is about no invocation that runs`);
    const { done } = current;
    current = undefined;
    done(what === 'error' ? { error: body as RuntimeError } : { answer: body ?? undefined });
  }

  const server = createServer((request, response) => {
    take(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ready: ready.promise,
    invoke(order) {
      if (current) throw new Error('An environment has one invocation at a time.');
      return new Promise((done) => {
        current = { order, done, handed: false };
        hand();
      });
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
