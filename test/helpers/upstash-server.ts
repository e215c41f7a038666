/**
 * An Upstash-compatible REST server over a real Redis, with faults on demand.
 *
 * As the real service does it (https://upstash.com/docs/redis/features/restapi): `POST /` takes one command,
 * `/pipeline` several, `/multi-exec` several atomically. Not imitated: quotas and size limits, key locking, or other
 * clients' commands between those of one pipeline.
 *
 * On its own: `node test/helpers/upstash-server.ts <redisUrl>` prints one line, {"url","token"}, and runs until SIGTERM.
 */
import { createHash, randomUUID } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';

/**
 * What one request gets instead of its answer. `drop-before`: the socket is destroyed, nothing was executed;
 * `drop-after`: everything was executed, then the socket is destroyed; `http-500`: a JSON error; `html-502`: a gateway's
 * HTML page; `hang`: no answer until stop(). Only `drop-after` executes anything.
 */
export type Fault = 'drop-before' | 'drop-after' | 'http-500' | 'html-502' | 'hang';

export interface UpstashServer {
  url: string;
  token: string;
  /** What came in, refused and faulted requests too; `commands` is 0 for a body that could not be read. */
  requests: Array<{ path: string; commands: number }>;
  /** Meets the next request; called again, the one after it. `undefined` forgets all that are still to come. */
  fault(next: Fault | undefined): void;
  /** Breaks all connections, hanging ones too. May be called twice. */
  stop(): Promise<void>;
}

const MAX_BODY = 64 * 1024 * 1024; // bytes
/** How long an idle client connection stays open, in ms; longer than any test, so that none closes under a request. */
const KEEP_ALIVE = 120_000;

/** These would block the shared connection or change its state for everybody, or do not exist on Upstash. */
const UNAVAILABLE = new Set(
  `BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF
  SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE SUNSUBSCRIBE MONITOR SYNC PSYNC
  MULTI EXEC DISCARD WATCH UNWATCH AUTH HELLO CLIENT SELECT QUIT RESET CONFIG DEBUG SHUTDOWN`.split(/\s+/),
);

interface Command {
  /** In upper case, which also keeps ioredis from transforming arguments and replies of the commands it knows. */
  name: string;
  args: string[];
  /** The reply to give in place of Redis's, where the two differ. */
  reply?: Buffer;
}

type Answer = { result: unknown } | { error: string };
type Encode = (bytes: Buffer) => string;

/** A request that is refused as a whole. */
class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** One command that is refused before it reaches Redis, under the name that ioredis gives to Redis's own errors. */
class ReplyError extends Error {
  override readonly name = 'ReplyError';
}

export async function startUpstash(redisUrl: string, options: { token?: string } = {}): Promise<UpstashServer> {
  const { token = randomUUID() } = options;
  const shared = await connect(redisUrl);
  const transactions = await connect(redisUrl);
  const scripts = new Scripts();
  const requests: UpstashServer['requests'] = [];
  const faults: Fault[] = [];

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = faults.shift();
    const drop = () => void request.socket.destroy();
    const path = request.url ?? '/';
    const record = { path, commands: 0 };
    requests.push(record);
    const body = parseBody(await readBody(request));
    if (body) record.commands = path === '/' ? 1 : body.length;

    if (fault === 'hang') return;
    if (fault === 'drop-before') return drop();
    if (fault === 'html-502') return send(response, 502, '<html><h1>502 Bad Gateway</h1></html>', 'text/html');
    if (fault === 'http-500') throw new HttpError(500, 'ERR internal error');

    if (request.headers.authorization !== `Bearer ${token}`) {
      throw new HttpError(401, 'WRONGPASS invalid or missing auth token');
    }
    if (request.method !== 'POST') throw new HttpError(405, `ERR method not allowed: ${request.method}, use POST`);
    if (path !== '/' && path !== '/pipeline' && path !== '/multi-exec') {
      throw new HttpError(400, `ERR unknown path: ${path}, use /, /pipeline or /multi-exec`);
    }
    const kind = path === '/' ? 'command' : 'pipeline';
    if (!body?.length) throw new HttpError(400, `ERR ${body ? 'empty' : 'failed to parse'} ${kind} request`);

    const commands = (path === '/' ? [body] : body).map((raw) => parseCommand(raw, scripts));
    const encode = request.headers['upstash-encoding'] === 'base64' ? toBase64 : toText;
    const answers = await (path === '/multi-exec' ? transact(transactions, commands) : pipeline(shared, commands));
    if (fault === 'drop-after') return drop();
    if (answers instanceof Error) throw new HttpError(400, answers.message);
    const results = answers.map((answer) => toAnswer(answer, encode));
    const [first] = results;
    if (path !== '/' || !first) return send(response, 200, JSON.stringify(results));
    send(response, 'error' in first ? 400 : 200, JSON.stringify(first));
  }

  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    handle(request, response).catch((error: Error) => {
      const status = error instanceof HttpError ? error.status : 500;
      send(response, status, JSON.stringify({ error: error.message }));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));

  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    token,
    requests,
    fault(next) {
      if (next) faults.push(next);
      else faults.length = 0;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      shared.disconnect();
      transactions.disconnect();
    },
  };
}

async function connect(redisUrl: string): Promise<Redis> {
  const redis = new Redis(redisUrl, {
    protocol: 2,
    lazyConnect: true,
    enableReadyCheck: false,
    // A lost connection fails what was under way: sent again unseen, a command could be executed twice.
    maxRetriesPerRequest: 0,
    retryStrategy: () => 10, // ms
  });
  redis.on('error', () => {});
  try {
    await redis.connect();
    await redis.ping();
    return redis;
  } catch (cause) {
    redis.disconnect();
    throw new Error(`No Redis answers at ${redisUrl}: start one before the Upstash server.`, { cause });
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  if (size <= MAX_BODY) return Buffer.concat(chunks, size).toString();
  throw new HttpError(413, `ERR max request size exceeded. Limit: ${MAX_BODY} bytes, Actual: ${size} bytes`);
}

function parseBody(text: string): unknown[] | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (Array.isArray(body)) return body;
  } catch {}
  return undefined;
}

function parseCommand(raw: unknown, scripts: Scripts): Command | ReplyError {
  if (!Array.isArray(raw) || raw.length === 0) return new ReplyError('ERR empty command');
  const args: string[] = [];
  for (let i = 1; i < raw.length; i++) {
    const arg: unknown = raw[i];
    if (arg === null) return new ReplyError('ERR null args are not supported');
    if (typeof arg === 'object') return new ReplyError(`ERR unsupported arg type: ${JSON.stringify(arg)}`);
    args.push(typeof arg === 'string' ? arg : String(arg));
  }
  const name = String(raw[0]).toUpperCase();
  const blocks = (name === 'XREAD' || name === 'XREADGROUP') && args.some((arg) => arg.toUpperCase() === 'BLOCK');
  if (!blocks && !UNAVAILABLE.has(name)) return scripts.translate({ name, args });
  const see = 'https://upstash.com/docs/redis/overall/rediscompatibility';
  return new ReplyError(`ERR Command is not available: '${name}'. See ${see} for details`);
}

/** The first line of a script with flags that Upstash knows; with any other flag, Redis gets it and refuses it. */
const SHEBANG =
  /^#!lua(?: +flags=(?:allow-key-locking|no-writes|allow-oom|allow-stale|no-cluster|allow-cross-slot-keys|,)+)? *(?=\r?\n|$)/;
/** No text has this sha: Redis itself answers NOSCRIPT, in a transaction too. */
const UNKNOWN_SHA = '0'.repeat(40);
const NOSCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';

/**
 * Upstash takes a script whose first line is `#!lua flags=allow-key-locking`; Redis refuses that flag. Redis therefore
 * runs the text without that line (its newline stays, for the line numbers in errors), while callers know the script by
 * the sha of the text with it, and by that sha only.
 */
class Scripts {
  /** sha1 of the text as received -> sha1 of the text that Redis was given. */
  readonly #shas = new Map<string, string>();

  translate(command: Command): Command {
    const { name, args } = command;
    const [first = '', ...rest] = args;
    if (name === 'EVAL' || name === 'EVAL_RO') return { name, args: [this.#remember(first).text, ...rest] };
    if (name === 'EVALSHA' || name === 'EVALSHA_RO') return { name, args: [this.#shaInRedis(first), ...rest] };
    if (name !== 'SCRIPT') return command;
    const subcommand = first.toUpperCase();
    if (subcommand === 'FLUSH') this.#shas.clear();
    if (subcommand === 'EXISTS') return { name, args: [first, ...rest.map((sha) => this.#shaInRedis(sha))] };
    if (subcommand !== 'LOAD' || rest[0] === undefined) return command;
    const { text, sha } = this.#remember(rest[0]);
    return { name, args: [first, text, ...rest.slice(1)], reply: Buffer.from(sha) };
  }

  /** Returns the text for Redis, and the sha that the caller knows it by. */
  #remember(received: string): { text: string; sha: string } {
    const text = received.replace(SHEBANG, '');
    const sha = sha1(received);
    this.#shas.set(sha, sha1(text));
    return { text, sha };
  }

  #shaInRedis(sha: string): string {
    return this.#shas.get(sha.toLowerCase()) ?? UNKNOWN_SHA;
  }
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

/** Sends the commands in one write, so that they reach Redis next to each other. An error is a reply like any other. */
async function pipeline(redis: Redis, commands: Array<Command | ReplyError>): Promise<unknown[]> {
  const { stream } = redis;
  stream.cork();
  const replies = commands.map((command) => (command instanceof Error ? command : sendOne(redis, command)));
  stream.uncork();
  return await Promise.all(replies);
}

async function sendOne(redis: Redis, { name, args, reply }: Command): Promise<unknown> {
  try {
    const answer = await redis.callBuffer(name, args);
    return reply ?? answer;
  } catch (cause) {
    const error = cause as Error;
    if (error.name === 'ReplyError') return error;
    throw new HttpError(500, `ERR Redis behind this server is away: ${error.message}`);
  }
}

/** An error in place of the replies means that none of the commands was executed. */
async function transact(redis: Redis, commands: Array<Command | ReplyError>): Promise<unknown[] | Error> {
  const refused = commands.find((command) => command instanceof Error);
  if (refused) return refused;
  const replies = await pipeline(redis, [{ name: 'MULTI', args: [] }, ...commands, { name: 'EXEC', args: [] }]);
  const exec = replies.at(-1) as unknown[] | Error;
  if (exec instanceof Error) return exec;
  return exec.map((reply, i) => (reply instanceof Error ? reply : ((commands[i] as Command).reply ?? reply)));
}

function toAnswer(reply: unknown, encode: Encode): Answer {
  if (reply instanceof Error) return { error: reply.message.startsWith('NOSCRIPT') ? NOSCRIPT : reply.message };
  // ioredis does not tell a status reply from a bulk string. @upstash/redis takes a lone OK as it is, whichever it was,
  // but decodes an OK in an array, so there it must be encoded.
  if (Buffer.isBuffer(reply) && reply.length === 2 && reply.toString() === 'OK') return { result: 'OK' };
  return { result: toJson(reply, encode) };
}

function toJson(reply: unknown, encode: Encode): unknown {
  if (Buffer.isBuffer(reply)) return encode(reply);
  if (Array.isArray(reply)) return reply.map((one) => toJson(one, encode));
  return reply instanceof Error ? encode(Buffer.from(reply.message)) : reply;
}

const toBase64: Encode = (bytes) => bytes.toString('base64');
const toText: Encode = (bytes) => bytes.toString();

function send(response: ServerResponse, status: number, text: string, contentType = 'application/json'): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': body.length }).end(body);
}

// import.meta.main is undefined before Node 24.2.
if (import.meta.main ?? realpathSync(process.argv[1] ?? '.') === import.meta.filename) {
  const redisUrl = process.argv[2];
  if (!redisUrl) throw new Error('No Redis URL given: node test/helpers/upstash-server.ts redis://127.0.0.1:6379');
  const { url, token, stop } = await startUpstash(redisUrl);
  process.once('SIGTERM', stop);
  // Where it has a channel to its parent, it ends with it.
  process.on('disconnect', () => process.exit());
  process.channel?.unref();
  console.log(JSON.stringify({ url, token }));
}
