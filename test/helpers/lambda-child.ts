/** The process that lambda-runner.ts starts: `node lambda-child.ts <bundle> <clock offset in ms>`. */
import { pathToFileURL } from 'node:url';

export interface ToChild {
  readonly event: unknown;
  /** Milliseconds. */
  readonly timeout: number;
  readonly requestId: string;
}

export type FromChild =
  | { readonly kind: 'ready'; readonly ms: number }
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'response'; readonly statusCode: number; readonly body: string }
  | { readonly kind: 'answer'; readonly answer: unknown }
  | { readonly kind: 'error'; readonly error: { readonly name: string; readonly message: string } };

type Context = { readonly awsRequestId: string; getRemainingTimeInMillis(): number };
type Buffered = (event: unknown, context: Context) => Promise<unknown>;
type Streaming = (event: unknown, stream: Stream, context: Context) => Promise<void>;

/** What the runtime gives a streaming handler, as far as ours use it. */
class Stream {
  head: { readonly statusCode: number } | undefined;
  #body = '';
  #ended = false;

  setContentType(): void {
    if (this.#body !== '') throw new Error('Cannot set content-type, too late.');
  }

  write(chunk: string): void {
    if (this.#ended) throw new Error('write after end');
    this.#body += chunk;
  }

  end(): void {
    this.#ended = true;
    if (this.head) send({ kind: 'response', statusCode: this.head.statusCode, body: this.#body });
  }

  get content(): unknown {
    if (!this.#ended) throw new Error('Response stream is not finished.');
    return this.head ? undefined : JSON.parse(this.#body);
  }
}

const streaming = new WeakSet<object>();

Object.assign(globalThis, {
  awslambda: {
    streamifyResponse<Handler extends object>(handler: Handler): Handler {
      streaming.add(handler);
      return handler;
    },
    HttpResponseStream: {
      from: (stream: Stream, head: { readonly statusCode: number }) => Object.assign(stream, { head }),
    },
  },
});

function send(message: FromChild): void {
  process.send?.(message);
}

async function run(handler: Buffered | Streaming, { event, timeout, requestId }: ToChild): Promise<unknown> {
  const deadline = Date.now() + timeout;
  const context: Context = {
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  if (!streaming.has(handler)) return (handler as Buffered)(event, context);
  const stream = new Stream();
  await (handler as Streaming)(event, stream, context);
  return stream.content;
}

const [bundle = '', offset = '0'] = process.argv.slice(2);
const now = Date.now;
Date.now = () => now() + Number(offset);
// As Lambda's runtime does it: a promise that nobody awaits ends the process.
process.on('unhandledRejection', (error) => {
  console.error('Runtime.UnhandledPromiseRejection', error);
  process.exit(128);
});

try {
  const began = performance.now();
  const { handler }: { handler: Buffered | Streaming } = await import(pathToFileURL(bundle).href);
  send({ kind: 'ready', ms: performance.now() - began });
  process.on('message', (message: ToChild) => {
    const kill = setTimeout(() => process.exit(1), message.timeout);
    run(handler, message)
      .then(
        (answer) => send({ kind: 'answer', answer }),
        (error: Error) => {
          // The runtime prints an error with everything that hangs on it.
          console.error('Invoke Error', error, JSON.stringify(error), JSON.stringify(error.cause));
          send({ kind: 'error', error: { name: error.name, message: error.message } });
        },
      )
      .finally(() => clearTimeout(kill));
  });
  // Handlers may leave connections open, which Lambda freezes.
  process.on('disconnect', () => process.exit(0));
} catch (error) {
  send({ kind: 'broken', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
  process.disconnect();
}
