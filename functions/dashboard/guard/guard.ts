import type { Context, Hono, MiddlewareHandler } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import type { DashboardEnv } from '../env.ts';
import type { DashboardOptions } from '../options.ts';
import { paths } from '../paths.ts';
import { signInPage } from '../views/sign-in.ts';
import { same } from './bytes.ts';
import { Keyring } from './keyring.ts';
import { isOwnOrigin, localPath } from './origin.ts';
import { SESSION_MS, type Session } from './sessions.ts';

/** Nothing but our own files; no frame around us; forms that lead to us alone. */
const CONTENT = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  formAction: ["'self'"],
  baseUri: ["'none'"],
  frameAncestors: ["'none'"],
};

/** Of every answer, whoever makes it: to be put before all else. @param secure is it reached by HTTPS? */
export function safeHeaders(secure: boolean): MiddlewareHandler {
  return secureHeaders({
    contentSecurityPolicy: CONTENT,
    strictTransportSecurity: secure,
    xFrameOptions: 'DENY',
    referrerPolicy: 'no-referrer',
    permissionsPolicy: { camera: [], geolocation: [], microphone: [], payment: [], usb: [] },
  });
}

/**
 * Puts the look at the host, the look at where a change comes from and the sign-in in front of every page.
 * @param open adds what anybody may have who gets so far: what the sign-in itself needs
 */
export function guard<Env extends object>(
  app: Hono<DashboardEnv<Env>>,
  options: DashboardOptions<Env>,
  open: (app: Hono<DashboardEnv<Env>>) => void,
): void {
  const { signIn, hosts, now, caller, log } = options;
  const asksPassword = signIn.kind === 'password';
  let shared: (() => Promise<string>) | undefined;
  const keyring = new Keyring(async () => {
    if (signIn.kind === 'password') return signIn.password();
    return signIn.kind === 'iam' ? shared?.() : undefined;
  });
  // A cookie with this beginning can only be set by this very host, over HTTPS. Elsewhere browsers refuse it.
  const cookie = (c: Context) => (isSecure(c) ? '__Host-lambdesque' : 'lambdesque');
  const isSecure = (c: Context) => options.secure || c.req.header('x-forwarded-proto') === 'https';

  app.use(async (c, next) => {
    const host = c.req.header('host')?.toLowerCase();
    const known = hosts?.();
    if (known && !(host !== undefined && known.includes(host))) {
      return c.text(`This page is at ${known.join(' and ')}; the request names another host.\n`, 421);
    }
    await next();
    // Pages hold arguments of jobs: no cache may keep them.
    if (!c.res.headers.has('cache-control')) c.res.headers.set('cache-control', 'no-store');
  });

  const signedIn: MiddlewareHandler<DashboardEnv<Env>> = async (c, next) => {
    const session = await sessionOf(c);
    if (!session) {
      if (c.req.method !== 'GET') return c.text('Sign in first.\n', 401);
      // What a script asks for must not get a form instead.
      if (c.req.header('x-lambdesque-live')) return c.text('Sign in again.\n', 401);
      const { pathname, search } = new URL(c.req.url);
      return c.redirect(`${paths.signIn}?next=${encodeURIComponent(pathname + search)}`, 303);
    }
    c.set('session', session);
    return next();
  };

  const sessionOf = async (c: Context<DashboardEnv<Env>>): Promise<Session | undefined> => {
    if (asksPassword) return keyring.session(getCookie(c, cookie(c)), now());
    if (signIn.kind === 'iam')
      shared = () =>
        c
          .get('opened')()
          .then((opened) => opened.signIns.formSecret());
    return keyring.open(caller(c.env).name ?? '', now());
  };

  const notForged: MiddlewareHandler<DashboardEnv<Env>> = async (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next();
    if (c.req.method !== 'POST') return c.text('Only GET and POST are allowed.\n', 405);
    if (!isOwnOrigin(c.req.raw.headers, c.req.header('host'))) {
      log.warn('A change was refused: another site sent it', { address: caller(c.env).address, path: c.req.path });
      return c.text('Another site sent this request: it changes nothing.\n', 403);
    }
    return next();
  };
  app.use(notForged);
  open(app);

  if (asksPassword) {
    app.get(paths.signIn, async (c) => {
      if (await sessionOf(c)) return c.redirect(localPath(c.req.query('next')), 303);
      return c.html(signInPage(options.assets, { next: localPath(c.req.query('next')) }));
    });

    app.post(paths.signIn, async (c) => {
      const form = await c.req.parseBody();
      const field = (name: string) => (typeof form[name] === 'string' ? form[name] : '');
      const next = localPath(field('next'));
      const { address } = caller(c.env);
      const { signIns } = await c.get('opened')();
      const wait = await signIns.take(address);
      if (wait > 0) {
        log.warn('A sign-in was refused: too many tries', { address, seconds: Math.ceil(wait / 1000) });
        c.header('retry-after', String(Math.ceil(wait / 1000)));
        return c.html(signInPage(options.assets, { next, wait }), 429);
      }
      const value = await keyring.begin(field('password'), field('name'), now());
      if (value === undefined) {
        log.warn('A sign-in failed: wrong password', { address });
        return c.html(signInPage(options.assets, { next, wrong: true }), 401);
      }
      await signIns.forget(address);
      log.info('Signed in to the dashboard', { address, unverifiedName: field('name') });
      setCookie(c, cookie(c), value, {
        httpOnly: true,
        sameSite: 'Strict',
        secure: isSecure(c),
        path: '/',
        maxAge: SESSION_MS / 1000,
      });
      return c.redirect(next, 303);
    });
  }

  app.use(signedIn);

  app.use(async (c, next) => {
    if (c.req.method !== 'POST') return next();
    const session = c.get('session');
    const { token } = await c.req.parseBody();
    if (typeof token !== 'string' || !(await same(token, session.formToken))) {
      return c.text('This form is no longer valid: go back, reload the page, and try again.\n', 403);
    }
    if (c.req.path === paths.signOut) {
      deleteCookie(c, cookie(c), { path: '/', secure: isSecure(c) });
      return c.redirect(paths.signIn, 303);
    }
    if (options.readOnly) return c.text('This dashboard is read-only: it changes nothing.\n', 403);
    return next();
  });
}
