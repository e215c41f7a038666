import { expect, test } from 'vitest';
import { answerOf, requestOf, type UrlEvent } from '../../../functions/aws/url-events.ts';

const event = (given: Partial<UrlEvent> = {}, method = 'GET'): UrlEvent => ({
  rawPath: '/queue',
  rawQueryString: 'name=a%26b',
  headers: { host: 'x.lambda-url.eu-central-1.on.aws', 'x-name': 'Zo\u00eb \u2603' },
  requestContext: { domainName: 'x.lambda-url.eu-central-1.on.aws', http: { method, sourceIp: '192.0.2.1' } },
  ...given,
});

test('a request as it was sent, its cookies in one header', () => {
  const request = requestOf(event({ cookies: ['a=1', 'b=2'] }));
  expect(request.url).toBe('https://x.lambda-url.eu-central-1.on.aws/queue?name=a%26b');
  expect(request.headers.get('cookie')).toBe('a=1; b=2');
  expect(request.headers.get('x-name')).toBe('Zo\u00eb ?');
});

test('a body, as text or in base64', async () => {
  expect(await requestOf(event({ body: 'a=ë' }, 'POST')).text()).toBe('a=ë');
  const body = Buffer.from('a=ë').toString('base64');
  expect(await requestOf(event({ body, isBase64Encoded: true }, 'POST')).text()).toBe('a=ë');
  expect(requestOf(event({ body: 'x' })).body).toBe(null);
});

test('an answer with its cookies apart, and bytes in base64', async () => {
  const headers = new Headers({ 'content-type': 'text/html' });
  headers.append('set-cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT');
  headers.append('set-cookie', 'b=2');
  expect(await answerOf(new Response('hi', { status: 201, headers }))).toEqual({
    statusCode: 201,
    headers: { 'content-type': 'text/html' },
    cookies: ['a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT', 'b=2'],
    body: 'hi',
    isBase64Encoded: false,
  });
  const packed = new Response(new Uint8Array([0x1f, 0x8b, 255]), { headers: { 'content-encoding': 'gzip' } });
  expect(await answerOf(packed)).toMatchObject({ body: 'H4v/', isBase64Encoded: true });
});
