/**
 * Does a browser send this from one of our own pages? Other sites can make it send forms as well, and with a cookie of ours if
 * they are on the same site (another port of this machine is). What a program sends has neither header; it needs the token of a
 * form, as everybody does.
 * @param host as the request has it
 */
export function isOwnOrigin(headers: Headers, host: string | undefined): boolean {
  const site = headers.get('sec-fetch-site');
  // What the browser itself says wins: it holds behind a proxy too, which shows us another host than the browser has.
  if (site !== null) return site === 'same-origin';
  const origin = headers.get('origin');
  if (origin === null) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

/** Where to go after signing in: only on this server. */
export function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])[^\\\s]*$/.test(path) ? path : '/';
}
