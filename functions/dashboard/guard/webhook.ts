import { same } from './bytes.ts';

/** How far a request's time may be from ours, either way, ms. As long is its id remembered, so that it counts once. */
export const TOLERANCE_MS = 300_000;

const encoder = new TextEncoder();

/** What a signed request says of itself. */
interface SignedHeaders {
  readonly id: string;
  /** Unix seconds, as text. */
  readonly timestamp: string;
  /** `v1,<base64>`, several with spaces between. */
  readonly signature: string;
}

/** @returns undefined where one is missing or none */
export function signedHeaders(get: (name: string) => string | undefined): SignedHeaders | undefined {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(get);
  if (!/^[\w.:-]{1,128}$/.test(id ?? '') || !/^\d{1,12}$/.test(timestamp ?? '') || !signature) return undefined;
  return { id, timestamp, signature } as SignedHeaders;
}

/**
 * Was it signed with this key? As Standard Webhooks have it: HMAC with SHA-256 of `<id>.<timestamp>.<body>`, in base64.
 * @param key text, or `whsec_` and base64
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export async function isSigned(
  key: string,
  { id, timestamp, signature }: SignedHeaders,
  body: Uint8Array,
): Promise<boolean> {
  const secret = key.startsWith('whsec_')
    ? Uint8Array.from(atob(key.slice(6)), (char) => char.charCodeAt(0))
    : encoder.encode(key);
  const hmac = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const head = encoder.encode(`${id}.${timestamp}.`);
  const signed = new Uint8Array(head.length + body.length);
  signed.set(head);
  signed.set(body, head.length);
  const bytes = new Uint8Array(await crypto.subtle.sign('HMAC', hmac, signed));
  const wanted = `v1,${btoa(String.fromCharCode(...bytes))}`;
  // A key that is being changed signs twice.
  const fits = await Promise.all(signature.split(' ', 8).map((one) => same(one, wanted)));
  return fits.includes(true);
}
