/**
 * Loaded before AWS's runtime client, `--import runtime-transport.ts?clock=<ms ahead>`: in place of its HTTP client, which
 * is made of C++, and for a clock that is wrong.
 *
 * The C++ one ends its request before `done` and `error` return. Here the next request for work waits for it, which is the
 * same to whoever calls.
 */
import { Agent, request } from 'node:http';
import Module from 'node:module';

type Headers = Readonly<Record<string, string>>;
interface Answer {
  readonly headers: object;
  readonly bodyJson: string;
}

const API = `http://${process.env['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation/`;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const offset = Number(new URL(import.meta.url).searchParams.get('clock') ?? 0);
const began = performance.now();
let asked = false;
let posted: Promise<unknown> = Promise.resolve();

function send(method: string, path: string, headers: Headers, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(API + path, { method, headers, agent }, (response) => {
      let bodyJson = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        bodyJson += text;
      });
      response.on('end', () => resolve({ headers: response.headers, bodyJson })).on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
}

/** As Lambda has it behind the lines of an invocation: whoever reads them knows that it has read all. */
function end(id: string): void {
  process.stdout.write(`END RequestId: ${id}\n`);
}

const transport = {
  async next(): Promise<Answer> {
    await posted;
    // The import of the bundle ends with the first request for work.
    const headers: Headers = asked ? {} : { 'x-init-ms': String(performance.now() - began) };
    asked = true;
    return send('GET', 'next', headers);
  },
  done(id: string, body: string): void {
    end(id);
    posted = send('POST', `${id}/response`, { 'content-type': 'application/json' }, body);
  },
  error(id: string, body: string): void {
    end(id);
    posted = send('POST', `${id}/error`, { 'content-type': 'application/json' }, body);
  },
};

const loader = Module as unknown as { _load(name: string, ...more: unknown[]): unknown };
const load = loader._load;
loader._load = (name, ...more) => (name === './rapid-client.node' ? transport : load(name, ...more));

if (offset !== 0) {
  const now = Date.now;
  Date.now = () => now() + offset;
}
