/** The calls to the local AWS that the test makes by itself; all else goes through the CDK and the functions. */
import { request as httpRequest } from 'node:http';
import { signedHeaders } from '../../../functions/aws/signature.ts';
import { type Ministack, REGION } from './ministack.ts';

export interface AwsCalls {
  createSecret(name: string, value: unknown): Promise<void>;
  /** Lines of a log group, the oldest first. */
  logLines(group: string): Promise<readonly LogLine[]>;
  /** Calls a function's URL. @param by signed with these, as AWS_IAM wants it; undefined for not at all  @returns the HTTP status */
  callUrl(url: string, by: Credentials | undefined): Promise<number>;
  /** Somebody of the account who may do nothing. */
  stranger(): Promise<Credentials>;
  /** Invokes a function, and does not wait. */
  invoke(name: string, event: unknown): Promise<void>;
  stackStatus(name: string): Promise<string>;
  /** Names of what stacks leave behind when they are not removed well. */
  leftovers(): Promise<readonly string[]>;
}

export interface LogLine {
  /** Epoch ms. */
  readonly timestamp: number;
  readonly text: string;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
}

/** Of the account itself, which may do all. */
export const CREDENTIALS: Credentials = { accessKeyId: 'test', secretAccessKey: 'test', sessionToken: undefined };

export function awsCalls({ url }: Ministack): AwsCalls {
  async function send(service: string, path: string, headers: Record<string, string>, body: string): Promise<Response> {
    const to = new URL(path, url);
    const request = { method: 'POST' as const, url: to, headers, body };
    const signed = signedHeaders(request, service, REGION, CREDENTIALS, new Date());
    return fetch(to, { method: 'POST', headers: signed, body });
  }

  async function json<Answer>(service: string, target: string, fields: object): Promise<Answer> {
    const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
    const response = await send(service, '/', headers, JSON.stringify(fields));
    const text = await response.text();
    if (!response.ok) throw new Error(`${target}: ${response.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Answer;
  }

  async function query(service: string, action: string, version: string, fields: Record<string, string> = {}) {
    const body = new URLSearchParams({ Action: action, Version: version, ...fields }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const response = await send(service, '/', headers, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return text;
  }

  async function get<Answer>(service: string, path: string): Promise<Answer> {
    const to = new URL(path, url);
    const request = { method: 'GET' as const, url: to, headers: {}, body: '' };
    const response = await fetch(to, { headers: signedHeaders(request, service, REGION, CREDENTIALS, new Date()) });
    return (await response.json()) as Answer;
  }

  return {
    async createSecret(name, value) {
      const SecretString = JSON.stringify(value);
      await json('secretsmanager', 'secretsmanager.CreateSecret', { Name: name, SecretString });
    },

    async logLines(logGroupName) {
      const { events } = await json<{ events: { timestamp: number; message: string }[] }>(
        'logs',
        'Logs_20140328.FilterLogEvents',
        { logGroupName },
      );
      return events
        .map(({ timestamp, message }) => ({ timestamp, text: message }))
        .sort((a, b) => a.timestamp - b.timestamp);
    },

    async callUrl(functionUrl, by) {
      const to = new URL(functionUrl);
      const request = { method: 'POST' as const, url: to, headers: {}, body: '' };
      const headers = by ? signedHeaders(request, 'lambda', REGION, by, new Date()) : {};
      return post(url, to.host, headers);
    },

    async stranger() {
      await query('iam', 'CreateUser', '2010-05-08', { UserName: 'stranger' });
      const text = await query('iam', 'CreateAccessKey', '2010-05-08', { UserName: 'stranger' });
      const part = (name: string) => new RegExp(`<${name}>([^<]+)`).exec(text)?.[1] ?? '';
      return { accessKeyId: part('AccessKeyId'), secretAccessKey: part('SecretAccessKey'), sessionToken: undefined };
    },

    async invoke(name, event) {
      const path = `/2015-03-31/functions/${encodeURIComponent(name)}/invocations`;
      const response = await send('lambda', path, { 'x-amz-invocation-type': 'Event' }, JSON.stringify(event));
      if (response.status !== 202) throw new Error(`${name}: ${response.status} ${await response.text()}`);
    },

    async stackStatus(name) {
      const text = await query('cloudformation', 'DescribeStacks', '2010-05-15', { StackName: name });
      return /<StackStatus>([A-Z_]+)</.exec(text)?.[1] ?? 'gone';
    },

    async leftovers() {
      const { Functions } = await get<{ Functions: { FunctionName: string }[] }>('lambda', '/2015-03-31/functions/');
      const { logGroups } = await json<{ logGroups: { logGroupName: string }[] }>(
        'logs',
        'Logs_20140328.DescribeLogGroups',
        {},
      );
      const { Rules } = await json<{ Rules: { Name: string }[] }>('events', 'AWSEvents.ListRules', {});
      const { Schedules } = await get<{ Schedules: { Name: string }[] }>('scheduler', '/schedules');
      const { QueueUrls = [] } = await json<{ QueueUrls?: string[] }>('sqs', 'AmazonSQS.ListQueues', {});
      const topics = await query('sns', 'ListTopics', '2010-03-31');
      const alarms = await query('monitoring', 'DescribeAlarms', '2010-08-01');
      return [
        ...Functions.map((one) => one.FunctionName),
        ...logGroups.map((one) => one.logGroupName),
        ...Rules.map((one) => one.Name),
        ...Schedules.map((one) => one.Name),
        ...QueueUrls,
        ...[...topics.matchAll(/<TopicArn>([^<]+)/g), ...alarms.matchAll(/<AlarmName>([^<]+)/g)].map(([, one]) =>
          String(one),
        ),
      ];
    },
  };
}

/** With the host that the URL has: by it the local AWS knows which function is meant, and `fetch` sets its own. */
function post(url: string, host: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      url,
      { method: 'POST', headers: { ...headers, host, 'content-length': '0' } },
      (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', reject).end();
  });
}
