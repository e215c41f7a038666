import { LambdesqueError } from '../../shared/index.ts';
import type { ReadSecret } from '../backends/backend.ts';
import type { SecretRef } from '../contract/settings.ts';
import { signedHeaders } from './signature.ts';

/** An AWS service refused a request, or could not be reached. The message says which permission is needed. */
export class AwsError extends LambdesqueError {}

/** The requests to AWS that the functions make. */
export interface Aws {
  /** Gives the values of secrets, each read once, however many of its fields are asked for. Rejects with AwsError. */
  secretReader(): ReadSecret;
  /** Start a function and do not wait for it. @param name or ARN  @throws AwsError */
  startFunction(name: string, event: unknown): Promise<void>;
  /** How many functions may run at once in this account and region, of what nobody has reserved. @throws AwsError */
  unreservedConcurrency(): Promise<number>;
}

/** Tries of a request that AWS throttles; and, if it only reads, one that is lost on the way or answered with 5xx. */
const TRIES = 3;
/** Milliseconds: before the second try, for one try. */
const FIRST_WAIT = 100;
const TIMEOUT = 5_000;

/**
 * AWS over signed `fetch` requests. The SDK's clients would do the same, but to import one takes 90 ms (60 ms and 300 kB
 * bundled), most of a cold start's budget; this takes 1 ms.
 * @param env the function's environment: Lambda sets the credentials and the region. `AWS_ENDPOINT_URL_<SERVICE>` or
 *   `AWS_ENDPOINT_URL` names another host, as in the SDKs.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export function awsOf(env: Readonly<Record<string, string | undefined>>): Aws {
  const region = env['AWS_REGION'] ?? 'us-east-1';
  const credentials = {
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
    sessionToken: env['AWS_SESSION_TOKEN'],
  };

  async function send(service: Service, { method, path, headers: given = {}, content }: AwsRequest) {
    const endpoint =
      env[`AWS_ENDPOINT_URL_${service.variable}`] ??
      env['AWS_ENDPOINT_URL'] ??
      `https://${service.host}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
    const url = new URL(endpoint.replace(/\/$/, '') + path);
    const body = content === undefined ? '' : JSON.stringify(content);
    // A start may not be sent twice: the first could have come through.
    const reads = service.reads || method === 'GET';
    for (let tries = 1; ; tries++) {
      const headers = signedHeaders(
        { method, url, headers: given, body },
        service.host,
        region,
        credentials,
        new Date(),
      );
      try {
        const response = await fetch(url, {
          method,
          headers,
          ...(method === 'POST' ? { body } : {}),
          signal: AbortSignal.timeout(TIMEOUT),
        });
        const again = response.status === 429 || (reads && response.status >= 500);
        if (tries === TRIES || !again) return response;
        await response.arrayBuffer();
      } catch (cause) {
        if (tries === TRIES || !reads) throw unreachable(service, url.host, cause);
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT * 2 ** (tries - 1) * (0.5 + Math.random())));
    }
  }

  async function json<Answer>(service: Service, action: string, body: object): Promise<Answer> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${service.target}.${action}` };
    const response = await send(service, { method: 'POST', path: '/', headers, content: body });
    if (!response.ok) throw await refusal(response, service, action, Object.values(body)[0]);
    return (await response.json()) as Answer;
  }

  async function read(ref: SecretRef): Promise<string | undefined> {
    if (ref.service === 'ssm') {
      const body = { Name: ref.name, WithDecryption: true };
      return (await json<{ Parameter: { Value: string } }>(SSM, 'GetParameter', body)).Parameter.Value;
    }
    return (await json<{ SecretString?: string }>(SECRETS, 'GetSecretValue', { SecretId: ref.id })).SecretString;
  }

  return {
    secretReader() {
      const known = new Map<string, Promise<string | undefined>>();
      return async (ref) => {
        const key = ref.service === 'ssm' ? ref.name : ref.id;
        const reading = known.get(key) ?? read(ref);
        known.set(key, reading);
        const value = await reading;
        if (ref.service === 'ssm') return value ?? '';
        return fieldOf(value, ref);
      };
    },

    async startFunction(name, event) {
      const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
      const headers = { 'content-type': 'application/json', 'x-amz-invocation-type': 'Event' };
      const response = await send(LAMBDA, { method: 'POST', path, headers, content: event });
      if (!response.ok) throw await refusal(response, LAMBDA, 'InvokeFunction', name);
      await response.arrayBuffer();
    },

    async unreservedConcurrency() {
      const response = await send(LAMBDA, { method: 'GET', path: '/2016-08-19/account-settings' });
      if (!response.ok) throw await refusal(response, LAMBDA, 'GetAccountSettings', 'this account');
      const { AccountLimit } = (await response.json()) as {
        AccountLimit?: { UnreservedConcurrentExecutions?: number };
      };
      return AccountLimit?.UnreservedConcurrentExecutions ?? Infinity;
    },
  };
}

interface AwsRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Becomes JSON. */
  readonly content?: unknown;
}

interface Service {
  readonly title: string;
  /** In host names, signatures and permissions. */
  readonly host: string;
  /** In AWS_ENDPOINT_URL_… */
  readonly variable: string;
  readonly target?: string;
  /** Also its POST requests may be sent twice. */
  readonly reads: boolean;
}

const SECRETS: Service = {
  title: 'AWS Secrets Manager',
  host: 'secretsmanager',
  variable: 'SECRETS_MANAGER',
  target: 'secretsmanager',
  reads: true,
};
const SSM: Service = { title: 'AWS Systems Manager', host: 'ssm', variable: 'SSM', target: 'AmazonSSM', reads: true };
const LAMBDA: Service = { title: 'AWS Lambda', host: 'lambda', variable: 'LAMBDA', reads: false };

function unreachable(service: Service, host: string, cause: unknown): AwsError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const reason = inner instanceof Error ? inner.message : String(inner);
  return new AwsError(
    `${service.title} cannot be reached at ${host}: ${reason}. A function in a VPC needs a NAT gateway, or an interface ` +
      `endpoint for ${service.host}.`,
    { cause },
  );
}

/** What AWS says of a refused request holds names and reasons, never a secret's value. */
async function refusal(response: Response, service: Service, action: string, what: unknown): Promise<AwsError> {
  const text = await response.text();
  let answer: { __type?: string; message?: string; Message?: string } = {};
  try {
    answer = JSON.parse(text);
  } catch {}
  const type = (answer.__type ?? response.headers.get('x-amzn-errortype') ?? '').replace(/^.*#|:.*$/g, '');
  const said = [type, answer.message ?? answer.Message].filter(Boolean).join(': ') || `HTTP ${response.status}`;
  return new AwsError(
    `${service.title} refused ${action} for ${JSON.stringify(what)} with ${response.status}: ${said}. It must exist, in ` +
      `this account and region, and the function's role needs ${service.host}:${action} on it.`,
  );
}

function fieldOf(secret: string | undefined, ref: SecretRef & { service: 'secretsmanager' }): string {
  const where = `The secret ${JSON.stringify(ref.id)}`;
  if (secret === undefined) throw new AwsError(`${where} is binary. Store it as text.`);
  if (ref.field === undefined) return secret;
  let value: unknown;
  try {
    value = (JSON.parse(secret) as Record<string, unknown> | null)?.[ref.field];
  } catch {
    // Without the parser's words, which quote the secret.
    throw new AwsError(`${where} is not JSON, so it has no field ${JSON.stringify(ref.field)}. Leave out the field.`);
  }
  if (typeof value === 'string') return value;
  throw new AwsError(
    `${where} has no text in its field ${JSON.stringify(ref.field)}. Name the key that holds the value.`,
  );
}
