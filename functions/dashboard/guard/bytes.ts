/** Bytes, keys and comparisons, with what browsers, Node and Lambda have alike. */

const encoder = new TextEncoder();

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

export function randomText(bytes = 16): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

export type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

const HMAC = { name: 'HMAC', hash: 'SHA-256' } as const;

export function randomKey(): Promise<Key> {
  return crypto.subtle.generateKey(HMAC, false, ['sign']) as Promise<Key>;
}

/** Stretching makes it dear to try passwords against a cookie that was stolen. About 100 ms, once for each process. */
const ITERATIONS = 200_000;

/** The key that a password stands for: with another password all sessions end. */
export async function keyOfPassword(password: string): Promise<Key> {
  const secret = await crypto.subtle.importKey('raw', encoder.encode(password), 'PBKDF2', false, ['deriveKey']);
  const salt = encoder.encode('lambdesque dashboard sessions');
  const derivation = { name: 'PBKDF2', hash: 'SHA-256', salt, iterations: ITERATIONS };
  return crypto.subtle.deriveKey(derivation, secret, { ...HMAC, length: 256 }, false, ['sign']);
}

export async function signatureOf(key: Key, text: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(text))));
}

/**
 * Are they the same? The time it takes says nothing of where they differ, nor of how long the right one is: what is compared are
 * signatures with a key that nobody knows.
 */
export async function same(a: string, b: string): Promise<boolean> {
  const key = await randomKey();
  const [one, other] = await Promise.all([signatureOf(key, a), signatureOf(key, b)]);
  return one === other;
}
