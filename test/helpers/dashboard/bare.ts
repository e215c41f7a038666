import { createDashboard } from '../../../functions/dashboard/app.ts';
import type { Inspector } from '../../../functions/dashboard/inspector.ts';
import type { DashboardOptions } from '../../../functions/dashboard/options.ts';
import { statTotals } from '../infos.ts';
import { type RecordingLogger, recordingLogger } from '../recording-logger.ts';

/** The dashboard without a Redis: for what stands in front of its pages. */

export const PASSWORD = 'correct horse battery staple';
export const HOST = 'page.example.com';

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>> | [string, string][];
  readonly cookie?: string | undefined;
  readonly address?: string;
}

export interface Bare {
  readonly log: RecordingLogger;
  /** What was changed: names of methods. */
  readonly changed: string[];
  /** Addresses of tries to sign in that count. */
  readonly tries: string[];
  /** Epoch ms. */
  time: number;
  password: string;
  /** Reads of the password. */
  reads: number;
  send(path: string, sent?: Sent): Promise<Response>;
  /** @returns the cookie, as a browser sends it back */
  signIn(name?: string): Promise<string>;
  /** The token of a form of a page. */
  tokenOf(cookie?: string): Promise<string>;
}

/** Tries of one address. */
export const MOST_TRIES = 3;

type Env = { readonly address: string };
type Opened = Awaited<ReturnType<DashboardOptions<Env>['open']>>;

const noSignIns: Opened['signIns'] = { take: async () => 0, forget: async () => {}, formSecret: async () => 'secret' };

/** What a dashboard has of its Redis: this inspector, and nothing is sent over the API. */
export function openedOver(inspector: Inspector, signIns = noSignIns): Opened {
  return {
    inspector,
    signIns,
    metrics: async () => [],
    requests: { time: async () => 0, claim: async () => 'new', done: async () => {}, release: async () => {} },
    enqueueAll: async () => [],
    commands: () => 0,
    close: async () => {},
  };
}

export function bareDashboard(options: Partial<DashboardOptions<Env>> = {}): Bare {
  const changed: string[] = [];
  const tries: string[] = [];
  const log = recordingLogger();
  const totals = async () => statTotals(new Date(bare.time));
  const change = (name: string) => async () => {
    changed.push(name);
  };
  const inspector = {
    stats: { totals },
    queues: { list: async () => [], pauseAll: change('pauseAll'), resumeAll: change('resumeAll') },
  } as unknown as Inspector;
  const signIns = {
    async take(address: string) {
      if (tries.filter((one) => one === address).length >= MOST_TRIES) return 60_000;
      tries.push(address);
      return 0;
    },
    async forget(address: string) {
      tries.splice(0, tries.length, ...tries.filter((one) => one !== address));
    },
    formSecret: async () => 'a secret of this dashboard',
  };
  const app = createDashboard<Env>({
    open: async () => openedOver(inspector, signIns),
    caller: ({ address }) => ({ address }),
    signIn: {
      kind: 'password',
      password: async () => {
        bare.reads++;
        return bare.password;
      },
    },
    secure: true,
    readOnly: false,
    interval: 5_000,
    assets: { script: '/* script */', style: '/* style */' },
    about: { redis: 'redis.internal:6379', namespace: 'resque:', version: '9.9.9' },
    log,
    now: () => bare.time,
    ...options,
  });
  const bare: Bare = {
    log,
    changed,
    tries,
    time: Date.UTC(2026, 10, 26, 12),
    password: PASSWORD,
    reads: 0,
    async send(path, { method = 'GET', headers = {}, form, cookie, address = '192.0.2.1' } = {}) {
      const all = new Headers({ host: HOST, ...headers });
      if (cookie !== undefined) all.set('cookie', cookie);
      const body = form && new URLSearchParams(form);
      const request = new Request(`https://${HOST}${path}`, {
        method: body ? 'POST' : method,
        headers: all,
        ...(body ? { body } : {}),
      });
      return app.fetch(request, { address });
    },
    async signIn(name = '') {
      const response = await bare.send('/sign-in', { form: { password: bare.password, name } });
      return (response.headers.get('set-cookie') ?? '').replace(/;.*/, '');
    },
    async tokenOf(cookie) {
      const page = await (await bare.send('/queues', { cookie })).text();
      return /name="token" value="([^"]+)"/.exec(page)?.[1] ?? '';
    },
  };
  return bare;
}
