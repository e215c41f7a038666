import type { Context, Hono } from 'hono';
import { EXPOSITION_TYPE, exposition } from '../../../shared/internal.ts';
import { kept } from '../cache.ts';
import type { DashboardEnv } from '../env.ts';
import { same } from '../guard/bytes.ts';
import type { DashboardOptions } from '../options.ts';
import { paths } from '../paths.ts';

/** The token is read anew after so long, ms: one that was changed is then the only one. */
const READ_AGAIN_MS = 60_000;

/**
 * What Prometheus asks for. It cannot sign in, so that it has a token of its own, which opens nothing else; to others they are a page
 * behind the sign-in.
 */
export function metricsApi<Env extends object>({
  metricsToken,
  now,
}: Pick<DashboardOptions<Env>, 'metricsToken' | 'now'>) {
  const token = kept<'token', string>(READ_AGAIN_MS);
  type C = Context<DashboardEnv<Env>>;

  const answer = async (c: C) => {
    const { metrics } = await c.get('opened')();
    return c.body(exposition(await metrics()), 200, { 'content-type': EXPOSITION_TYPE });
  };

  return {
    /** To be put before the sign-in: those who have the token. */
    withToken(app: Hono<DashboardEnv<Env>>): void {
      if (!metricsToken) return;
      app.get(paths.metrics, async (c, next) => {
        const given = c.req.header('authorization');
        if (given === undefined) return next();
        const wanted = await token('token', now(), metricsToken);
        if (await same(given, `Bearer ${wanted}`)) return answer(c);
        c.header('www-authenticate', 'Bearer');
        return c.text('This is not the token of the metrics.\n', 401);
      });
    },

    /** Behind it. */
    signedIn(app: Hono<DashboardEnv<Env>>): void {
      app.get(paths.metrics, answer);
    },
  };
}
