import { gunzipSync } from 'node:zlib';
import { beforeEach, expect, test } from 'vitest';
import type { UrlAnswer } from '../../../functions/aws/url-events.ts';
import type { TestLambda } from '../../helpers/lambda-runner.ts';
import { job, PAGE_SECRET_ID, withBundles } from './suite.ts';

/** The dashboard's bundle, with events of a Function URL. */

const PASSWORD = 'correct horse battery staple';
const DOMAIN = 'abc123.lambda-url.eu-central-1.on.aws';

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cookies?: readonly string[];
  readonly form?: Readonly<Record<string, string>>;
  readonly base64?: boolean;
  readonly arn?: string;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload */
function urlEvent({ method, path, query = '', headers = {}, cookies, form, base64 = true, arn }: Call) {
  const body = form && new URLSearchParams(form).toString();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    ...(cookies ? { cookies } : {}),
    headers: {
      host: DOMAIN,
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '198.51.100.1',
      'accept-encoding': 'gzip',
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': String(body.length) }),
      ...headers,
    },
    requestContext: {
      accountId: 'anonymous',
      domainName: DOMAIN,
      domainPrefix: 'abc123',
      http: {
        method: method ?? (form ? 'POST' : 'GET'),
        path,
        protocol: 'HTTP/1.1',
        sourceIp: '198.51.100.1',
        userAgent: 'test',
      },
      ...(arn === undefined ? {} : { authorizer: { iam: { userArn: arn, accountId: '123456789012', userId: 'A' } } }),
      requestId: 'r',
      stage: '$default',
      timeEpoch: 0,
    },
    ...(body === undefined
      ? {}
      : { body: base64 ? Buffer.from(body).toString('base64') : body, isBase64Encoded: base64 }),
    ...(body === undefined ? { isBase64Encoded: false } : {}),
  };
}

async function call(lambda: TestLambda, given: Call): Promise<UrlAnswer & { readonly html: string }> {
  const { answer, error } = await lambda.invoke(urlEvent(given));
  if (error) throw new Error(`${error.name}: ${error.message}\n${lambda.output}`);
  const response = answer as UrlAnswer;
  const bytes = Buffer.from(response.body, response.isBase64Encoded ? 'base64' : 'utf8');
  const html = (response.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString('utf8');
  return { ...response, html };
}

const signIn = async (lambda: TestLambda, password = PASSWORD) =>
  call(lambda, { path: '/sign-in', form: { password, name: 'Zoë', next: '/queues' } });
const cookieOf = ({ cookies }: UrlAnswer) => [(cookies[0] ?? '').replace(/;.*/, '')];
const tokenOf = (html: string) => /name="token" value="([^"]+)"/.exec(html)?.[1] ?? '';

withBundles(
  (bundles) => {
    beforeEach(() => {
      bundles.aws.secrets.set(PAGE_SECRET_ID, `${PASSWORD}\n`);
    });

    test('shows nothing without a sign-in, and the queues with one; what is sent is compressed', async () => {
      await bundles.produce('mail', job('Mail', 'someone@example.com'));
      const lambda = await bundles.dashboard();
      const shut = await call(lambda, { path: '/queues', query: 'part=mail' });
      expect(shut.statusCode).toBe(303);
      expect(shut.headers['location']).toBe('/sign-in?next=%2Fqueues%3Fpart%3Dmail');
      expect(shut.body).toBe('');
      const signed = await signIn(lambda);
      expect(signed.statusCode).toBe(303);
      expect(signed.headers['location']).toBe('/queues');
      expect(signed.cookies).toEqual([expect.stringMatching(/^__Host-lambdesque=.*HttpOnly; Secure; SameSite=Strict/)]);
      const page = await call(lambda, { path: '/queue', query: 'name=mail', cookies: cookieOf(signed) });
      expect(page.statusCode).toBe(200);
      expect(page.isBase64Encoded).toBe(true);
      expect(page.html).toContain('someone@example.com');
      expect(page.headers['content-security-policy']).toContain("default-src 'none'");
      const script = /src="([^"]+\.js)"/.exec(page.html)?.[1] ?? '';
      const code = await call(lambda, { path: script, cookies: cookieOf(signed) });
      expect(code.headers['content-type']).toMatch(/^text\/javascript/);
      expect(code.html.length).toBeGreaterThan(10_000);
      expect(lambda.output).not.toContain(PASSWORD);
    });

    test('every environment reads the cookie of another', async () => {
      const cookies = cookieOf(await signIn(await bundles.dashboard()));
      const other = await bundles.dashboard();
      expect((await call(other, { path: '/settings', cookies })).html).toContain('1.2.3');
    });

    test('a wrong password is told, tries are counted in Redis for all environments, and too many are refused', async () => {
      const lambda = await bundles.dashboard();
      for (let i = 0; i < 10; i++) expect((await signIn(lambda, `wrong ${i}`)).statusCode).toBe(401);
      const other = await bundles.dashboard();
      const refused = await signIn(other);
      expect(refused.statusCode).toBe(429);
      expect(refused.cookies).toEqual([]);
    });

    test('a change is made, and logged with who; forged ones are not', async () => {
      await bundles.produce('mail', job('Mail'), job('Mail'));
      const lambda = await bundles.dashboard();
      const cookies = cookieOf(await signIn(lambda));
      const page = await call(lambda, { path: '/queue', query: 'name=mail', cookies });
      const form = { token: tokenOf(page.html), name: 'mail', sure: 'yes' };
      const forged = { 'sec-fetch-site': 'cross-site' };
      expect((await call(lambda, { path: '/queue/clear', cookies, form, headers: forged })).statusCode).toBe(403);
      expect((await call(lambda, { path: '/queue/clear', cookies, form: { ...form, token: 'x' } })).statusCode).toBe(
        403,
      );
      expect(await bundles.db.llen('resque:queue:mail')).toBe(2);
      const done = await call(lambda, { path: '/queue/clear', cookies, form, base64: false });
      expect(done.headers['location']).toBe('/queue?name=mail&said=cleared&n=2');
      expect(await bundles.db.llen('resque:queue:mail')).toBe(0);
      expect(lambda.lines).toContainEqual(
        expect.objectContaining({
          message: 'Changed from the dashboard',
          change: 'queue/clear',
          queue: 'mail',
          unverifiedName: 'Zoë',
          address: '198.51.100.1',
        }),
      );
    });

    test('cron entries of the app are known, and logs are linked', async () => {
      const lambda = await bundles.dashboard();
      const cookies = cookieOf(await signIn(lambda));
      expect((await call(lambda, { path: '/cron', cookies })).html).toContain('nightly');
      await bundles.db.rpush('resque:queue:mail', '{"class":"Mail","args":[],"id":"the-id"}');
      await bundles.db.sadd('resque:queues', 'mail');
      const page = await call(lambda, { path: '/job', query: 'id=the-id', cookies });
      expect(page.html).toMatch(
        /href="https:\/\/[\w-]+\.console\.aws\.amazon\.com\/cloudwatch[^"]*the-id[^"]*fn-default/,
      );
    });

    test('with AWS_IAM, AWS has asked: whoever it names is in the log; a URL without it opens nothing', async () => {
      const lambda = await bundles.dashboard({ signIn: { kind: 'iam' }, readOnly: false });
      const arn = 'arn:aws:iam::123456789012:user/zoe';
      expect((await call(lambda, { path: '/queues' })).statusCode).toBe(403);
      const page = await call(lambda, { path: '/queues', arn });
      expect(page.statusCode).toBe(200);
      const form = { token: tokenOf(page.html), sure: 'yes' };
      const other = await bundles.dashboard({ signIn: { kind: 'iam' } });
      expect((await call(other, { path: '/queues/pause-all', arn, form })).statusCode).toBe(303);
      expect(await bundles.db.get('resque:pause-all-workers')).toBe('true');
      expect(other.lines).toContainEqual(expect.objectContaining({ change: 'queues/pause-all', by: arn }));
    });

    test('read-only changes nothing', async () => {
      await bundles.produce('mail', job('Mail'));
      const lambda = await bundles.dashboard({ readOnly: true });
      const cookies = cookieOf(await signIn(lambda));
      const page = await call(lambda, { path: '/queue', query: 'name=mail', cookies });
      expect(page.html).not.toContain('action="/queue/clear"');
      const form = { token: tokenOf(page.html), name: 'mail', sure: 'yes' };
      expect((await call(lambda, { path: '/queue/clear', cookies, form })).statusCode).toBe(403);
      expect(await bundles.db.llen('resque:queue:mail')).toBe(1);
    });

    test('a password that is too short opens to nobody; the log says why', async () => {
      bundles.aws.secrets.set(PAGE_SECRET_ID, 'short');
      const lambda = await bundles.dashboard();
      const answer = await signIn(lambda, 'short');
      expect(answer.statusCode).toBe(500);
      expect(answer.html).not.toMatch(/short|12 characters/);
      expect(lambda.output).toContain('must hold a password of 12 characters or more');
    });

    test('an event that is no call of its URL is refused', async () => {
      const { error } = await (await bundles.dashboard()).invoke({ source: 'aws.events' });
      expect(error?.message).toContain('answers calls of its URL');
    });
  },
  { dashboard: true },
);
