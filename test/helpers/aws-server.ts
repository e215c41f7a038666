/**
 * The requests to AWS that the functions make, answered here: secrets, parameters, asynchronous invokes, schedules. Each
 * request's signature is checked against AWS's own signer, so nothing is answered that AWS would refuse for it.
 */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignatureV4 } from '@smithy/signature-v4';

export interface AwsServer {
  /** Credentials, region and endpoints: the environment of a function that uses this server. */
  readonly env: Readonly<Record<string, string>>;
  /** By id or ARN. */
  readonly secrets: Map<string, string>;
  /** By name. */
  readonly parameters: Map<string, string>;
  /** What was read, in order. */
  readonly reads: string[];
  /** Asynchronous starts, in order. */
  readonly invokes: { readonly functionName: string; readonly event: unknown }[];
  /** Schedules of EventBridge Scheduler as they are now, by group and name. */
  readonly schedules: Map<string, Schedule>;
  /** What was done to schedules, in order. */
  readonly scheduleCalls: ('create' | 'update' | 'refuse')[];
  /** Setting a schedule is not allowed. */
  schedulesDenied: boolean;
  /** Of the account. @default 1000 */
  unreservedConcurrency: number;
  /** Functions that cannot be invoked. */
  readonly throttled: Set<string>;
  /** Answers the next request with this HTTP status; called again, the one after it. */
  fail(status: number): void;
  stop(): Promise<void>;
}

export interface Schedule {
  readonly GroupName: string;
  readonly ScheduleExpression: string;
  readonly ScheduleExpressionTimezone: string;
  readonly FlexibleTimeWindow: { readonly Mode: string };
  readonly State: string;
  readonly ActionAfterCompletion: string;
  readonly Target: {
    readonly Arn: string;
    readonly RoleArn: string;
    readonly Input: string;
    readonly DeadLetterConfig: { readonly Arn: string };
  };
}

const ACCESS_KEY = 'AKIDEXAMPLE';
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SESSION = 'session-token-of-the-test';
const REGION = 'eu-central-1';

class HttpError extends Error {
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

export async function startAws(): Promise<AwsServer> {
  const secrets = new Map<string, string>();
  const parameters = new Map<string, string>();
  const reads: string[] = [];
  const invokes: { functionName: string; event: unknown }[] = [];
  const throttled = new Set<string>();
  const schedules = new Map<string, Schedule>();
  const scheduleCalls: AwsServer['scheduleCalls'] = [];
  const failures: number[] = [];

  async function answer(request: IncomingMessage): Promise<[status: number, body: string]> {
    const body = await readBody(request);
    const failure = failures.shift();
    if (failure) throw new HttpError(failure, 'InternalFailure', 'on demand');
    await checkSignature(request, body);
    if (request.method === 'GET' && request.url === '/2016-08-19/account-settings') {
      return [200, JSON.stringify({ AccountLimit: { UnreservedConcurrentExecutions: aws.unreservedConcurrency } })];
    }
    const fields: unknown = JSON.parse(body);
    const target = request.headers['x-amz-target'];
    if (target === 'secretsmanager.GetSecretValue') {
      const { SecretId } = fields as { SecretId: string };
      reads.push(SecretId);
      return [200, JSON.stringify({ ARN: SecretId, SecretString: known(secrets, SecretId) })];
    }
    if (target === 'AmazonSSM.GetParameter') {
      const { Name, WithDecryption } = fields as { Name: string; WithDecryption: boolean };
      reads.push(Name);
      const Value = WithDecryption ? known(parameters, Name) : 'AQICAHencrypted';
      return [200, JSON.stringify({ Parameter: { Name, Type: 'SecureString', Value } })];
    }
    const [, scheduleName] = /^\/schedules\/([^/?]+)$/.exec(request.url ?? '') ?? [];
    if (scheduleName !== undefined) return [200, setSchedule(request.method ?? '', scheduleName, fields as Schedule)];
    const [, name] = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(request.url ?? '') ?? [];
    if (name === undefined) throw new HttpError(404, 'UnknownOperationException', `${request.url} ${target}`);
    if (request.headers['x-amz-invocation-type'] !== 'Event') {
      throw new HttpError(400, 'InvalidRequest', 'only asynchronous invokes are expected');
    }
    const functionName = decodeURIComponent(name);
    if (throttled.has(functionName)) throw new HttpError(400, 'TooManyRequestsException', 'Rate Exceeded.');
    invokes.push({ functionName, event: fields });
    return [202, ''];
  }

  /** @see https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html */
  function setSchedule(method: string, name: string, schedule: Schedule): string {
    const key = `${schedule.GroupName}/${name}`;
    const creates = method === 'POST';
    if (aws.schedulesDenied) {
      scheduleCalls.push('refuse');
      throw new HttpError(403, 'AccessDeniedException', 'not authorized to perform: scheduler:UpdateSchedule');
    }
    if (creates && schedules.has(key))
      throw new HttpError(409, 'ConflictException', `Schedule ${name} already exists.`);
    if (!creates && !schedules.has(key)) {
      throw new HttpError(404, 'ResourceNotFoundException', `Schedule ${name} does not exist.`);
    }
    schedules.set(key, schedule);
    scheduleCalls.push(creates ? 'create' : 'update');
    return JSON.stringify({ ScheduleArn: `arn:aws:scheduler:${REGION}:123456789012:schedule/${key}` });
  }

  const server = createServer((request, response) => {
    answer(request).then(
      ([status, text]) => response.writeHead(status).end(text),
      (error: Error) => {
        const { status, type } = error instanceof HttpError ? error : { status: 500, type: 'TestError' };
        response
          .writeHead(status, { 'x-amzn-errortype': type })
          .end(JSON.stringify({ __type: type, message: error.message, Message: error.message }));
      },
    );
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const aws: AwsServer = {
    env: {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: ACCESS_KEY,
      AWS_SECRET_ACCESS_KEY: SECRET_KEY,
      AWS_SESSION_TOKEN: SESSION,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
      AWS_ENDPOINT_URL_SSM: url,
      AWS_ENDPOINT_URL_LAMBDA: url,
      AWS_ENDPOINT_URL_SCHEDULER: url,
    },
    secrets,
    parameters,
    reads,
    invokes,
    schedules,
    scheduleCalls,
    schedulesDenied: false,
    unreservedConcurrency: 1_000,
    throttled,
    fail: (status) => void failures.push(status),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return aws;
}

function known(values: ReadonlyMap<string, string>, name: string): string {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw new HttpError(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Signs the same request with AWS's library; as that takes the key from us, ours must come out the same. */
async function checkSignature(request: IncomingMessage, body: string): Promise<void> {
  const { authorization = '', host = '' } = request.headers;
  const [, service = '', names = ''] = /\/([a-z]+)\/aws4_request, SignedHeaders=([^,]+),/.exec(authorization) ?? [];
  const time = String(request.headers['x-amz-date']);
  const headers = Object.fromEntries(names.split(';').map((name) => [name, String(request.headers[name])]));
  const signer = new SignatureV4({
    service,
    region: REGION,
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY, sessionToken: SESSION },
    sha256: Sha256,
    applyChecksum: false,
  });
  const signed = await signer.sign(
    { method: request.method ?? '', protocol: 'http:', hostname: host, path: request.url ?? '', headers, body },
    { signingDate: new Date(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5')) },
  );
  if (signed.headers['authorization'] !== authorization) {
    throw new HttpError(
      403,
      'InvalidSignatureException',
      `expected ${signed.headers['authorization']}, got ${authorization}`,
    );
  }
  if (!names.split(';').includes('x-amz-security-token')) throw new HttpError(403, 'Unsigned', 'no session token');
}

/** What the signer wants of a hash. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === 'string' || secret === undefined ? secret : bytes(secret);
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function bytes(secret: ArrayBuffer | ArrayBufferView): Buffer {
  return ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
}
