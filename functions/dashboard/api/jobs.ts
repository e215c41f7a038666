import type { Context, Hono } from 'hono';
import {
  ArgumentsError,
  ConfigError,
  type EnqueueItem,
  LambdesqueError,
  PartlyEnqueuedError,
} from '../../../shared/index.ts';
import { jobObject, parseWithBigInts } from '../../../shared/internal.ts';
import { kept } from '../cache.ts';
import type { DashboardEnv } from '../env.ts';
import { isSigned, signedHeaders, TOLERANCE_MS } from '../guard/webhook.ts';
import type { DashboardOptions } from '../options.ts';

/** The key is read anew after so long, ms: one that was changed is then the only one. */
const READ_AGAIN_MS = 60_000;
/** Where they are sent. */
export const JOBS = '/jobs';
/** Jobs of one request. */
const MOST_JOBS = 1_000;

/**
 * `POST /jobs`, for apps that cannot reach Redis: one job or a list of them, in JSON, signed. A request counts once: sent again with
 * the same id, it enqueues nothing more.
 */
export function jobsApi<Env extends object>(
  app: Hono<DashboardEnv<Env>>,
  { jobsKey, now, log, caller }: Pick<DashboardOptions<Env>, 'jobsKey' | 'now' | 'log' | 'caller'>,
): void {
  if (!jobsKey) return;
  const key = kept<'key', string>(READ_AGAIN_MS);
  type C = Context<DashboardEnv<Env>>;
  const refuse = (c: C, status: 400 | 401 | 409 | 503, error: string, more: object = {}) => {
    if (status === 503 || status === 409) c.header('retry-after', status === 409 ? '60' : '5');
    return c.json({ error, ...more }, status);
  };

  app.post(JOBS, async (c) => {
    const { address } = caller(c.env);
    const headers = signedHeaders((name) => c.req.header(name));
    if (!headers) {
      return refuse(
        c,
        401,
        'Sign the request: webhook-id (up to 128 letters, digits, ".", "_", ":" and "-"), webhook-timestamp (Unix seconds) and ' +
          'webhook-signature (v1,<base64 of HMAC-SHA256 over id.timestamp.body>).',
      );
    }
    const body = new Uint8Array(await c.req.arrayBuffer());
    if (!(await isSigned(await key('key', now(), jobsKey), headers, body))) {
      log.warn('A job was refused: wrong signature', { address, request: headers.id });
      return refuse(
        c,
        401,
        'The signature is wrong: is it of "<webhook-id>.<webhook-timestamp>.<body>", with the key of this system?',
      );
    }
    const { requests, enqueueAll } = await c.get('opened')();
    try {
      const seconds = Math.round((Number(headers.timestamp) * 1_000 - (await requests.time())) / 1_000);
      if (Math.abs(seconds) * 1_000 > TOLERANCE_MS) {
        const off = `${Math.abs(seconds)} s ${seconds < 0 ? 'old' : 'ahead'}`;
        return refuse(
          c,
          401,
          `The request is ${off}, and ${TOLERANCE_MS / 1_000} s are allowed. Sign it anew; is the clock right?`,
        );
      }
      const { items, nameOf } = itemsOf(body);
      const state = await requests.claim(headers.id);
      if (state === 'done') return c.json({ jobs: [], duplicate: true });
      if (state === 'under way')
        return refuse(c, 409, 'A request with this webhook-id is under way. Send it again in a minute.');
      let enqueued: Awaited<ReturnType<typeof enqueueAll>>;
      try {
        enqueued = await enqueueAll(items);
      } catch (error) {
        await requests.release(headers.id).catch(() => {});
        if (isRefusal(error))
          return refuse(
            c,
            400,
            error.message.replace(/^items\.(\d+)/, (_, at) => nameOf(Number(at))),
          );
        throw error;
      }
      // Twice that: a time ahead of ours is allowed as well.
      await requests.done(headers.id, 2 * TOLERANCE_MS);
      log.info('Jobs were enqueued over the API', { jobs: enqueued.length, request: headers.id, address });
      const jobs = enqueued.map(({ id, queue, at }) => ({
        ...(id === undefined ? {} : { id }),
        queue,
        ...(at ? { at } : {}),
      }));
      return c.json({ jobs }, 201);
    } catch (error) {
      if (isRefusal(error)) return refuse(c, 400, error.message);
      log.error('Jobs could not be enqueued over the API', { error, request: headers.id, address });
      if (error instanceof PartlyEnqueuedError) return refuse(c, 503, error.message, { enqueued: error.pushed });
      if (error instanceof LambdesqueError)
        return refuse(c, 503, 'Redis cannot be used now; the log of the dashboard says why.');
      throw error;
    }
  });
}

function isRefusal(error: unknown): error is Error {
  return error instanceof ConfigError || error instanceof ArgumentsError;
}

interface Items {
  readonly items: readonly EnqueueItem[];
  /** What the caller knows one as. */
  readonly nameOf: (at: number) => string;
}

/** @throws ConfigError */
function itemsOf(body: Uint8Array): Items {
  let value: unknown;
  try {
    value = parseWithBigInts(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new ConfigError(`The body is not JSON in UTF-8: ${(cause as Error).message}.`, { cause });
  }
  if (!Array.isArray(value)) return { items: [jobObject('the job', value)], nameOf: () => 'the job' };
  if (value.length === 0 || value.length > MOST_JOBS) {
    throw new ConfigError(`The list must have 1 to ${MOST_JOBS} jobs; got ${value.length}.`);
  }
  const nameOf = (at: number) => `jobs[${at}]`;
  return { items: value.map((one, i) => jobObject(nameOf(i), one)), nameOf };
}
