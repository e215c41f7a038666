/** A call of a Function URL (payload format 2.0), as far as it is read here. */
export interface UrlEvent {
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly cookies?: readonly string[];
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
  readonly requestContext: {
    readonly domainName: string;
    readonly http: { readonly method: string; readonly sourceIp: string };
    /** Only where the URL is AWS_IAM. */
    readonly authorizer?: { readonly iam?: { readonly userArn?: string } };
  };
}

export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads */
export function requestOf(event: UrlEvent): Request {
  const { domainName, http } = event.requestContext;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers))
    if (value !== undefined) headers.append(name, latin(value));
  if (event.cookies && event.cookies.length > 0) headers.set('cookie', event.cookies.join('; '));
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`;
  const hasBody = event.body !== undefined && http.method !== 'GET' && http.method !== 'HEAD';
  return new Request(`https://${domainName}${event.rawPath}${query}`, {
    method: http.method,
    headers,
    ...(hasBody ? { body: event.isBase64Encoded ? Buffer.from(event.body ?? '', 'base64') : (event.body ?? '') } : {}),
  });
}

/** A header of a request may hold what `Headers` refuses. */
function latin(value: string): string {
  return value.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?');
}

/** Text as it is; what is compressed in base64. */
export async function answerOf(response: Response): Promise<UrlAnswer> {
  const cookies = response.headers.getSetCookie();
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== 'set-cookie'));
  const isBase64Encoded = response.headers.has('content-encoding');
  const body = isBase64Encoded ? Buffer.from(await response.arrayBuffer()).toString('base64') : await response.text();
  return { statusCode: response.status, headers, cookies, body, isBase64Encoded };
}
