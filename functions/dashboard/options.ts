import type { Logger } from '../../shared/index.ts';
import type { Enqueuer, MetricFamily, SeenRequestsBroker, SignInBroker } from '../../shared/internal.ts';
import type { Inspector } from './inspector.ts';

/** Who sends a request, as far as the server knows. */
export interface Caller {
  /** Of the other end, as the server saw it; no header says so, since those can be made up. */
  readonly address: string;
  /** Whom the log names, where the server knows: an ARN, or the user of this machine. */
  readonly name?: string;
}

/** The inspector for one request. */
export interface Opened {
  readonly inspector: Inspector;
  readonly signIns: SignInBroker;
  /** For jobs that come over the API. */
  readonly requests: SeenRequestsBroker;
  readonly enqueueAll: Enqueuer['enqueueAll'];
  /** For Prometheus. */
  metrics(): Promise<MetricFamily[]>;
  /** Commands that were sent to Redis so far. */
  commands(): number;
  close(): Promise<void>;
}

export type SignIn =
  /** Whoever reaches it may use it: somebody on this machine. */
  | { readonly kind: 'none' }
  /** AWS has asked already. */
  | { readonly kind: 'iam' }
  /** @property password reads it, where it is kept */
  | { readonly kind: 'password'; readonly password: () => Promise<string> };

/** Where runs are logged: links lead from a job to its lines. */
export interface LogPlace {
  readonly region: string;
  /** Names of CloudWatch log groups. */
  readonly groups: readonly string[];
}

/** What Lambda and Redis cost, in USD. */
export interface Prices {
  /** MB of the functions that run jobs. */
  readonly memory: number;
  /** Of a GB for a second. @default Lambda's for ARM in us-east-1 */
  readonly gbSecond: number;
  /** Of 100,000 commands. @default Upstash's, pay as you go */
  readonly commands: number;
}

/** What is shown on the settings page. No passwords. */
export interface About {
  readonly redis: string;
  readonly namespace: string;
  readonly version: string;
}

export interface Assets {
  readonly script: string;
  readonly style: string;
}

/** All that the page needs of its server. @typeParam Env what the server knows of a request */
export interface DashboardOptions<Env extends object> {
  readonly open: (env: Env) => Promise<Opened>;
  readonly caller: (env: Env) => Caller;
  readonly signIn: SignIn;
  /** Reads the bearer token of Prometheus, where it is kept. @default none: /metrics is behind the sign-in, as all pages are */
  readonly metricsToken?: () => Promise<string>;
  /** Reads the key with which apps sign what they send to `POST /jobs`, where it is kept. @default none: nothing is taken */
  readonly jobsKey?: () => Promise<string>;
  /** Hosts that a request may name; others come from a foreign page by way of a made-up name. @default any */
  readonly hosts?: () => readonly string[];
  /** Is it reached by HTTPS? */
  readonly secure: boolean;
  /** Refuse every change. */
  readonly readOnly: boolean;
  /** Between two updates of a page that is looked at, ms. */
  readonly interval: number;
  /** Of an answer. @default any number */
  readonly mostBytes?: number;
  readonly assets: Assets;
  readonly about: About;
  readonly logs?: LogPlace;
  readonly prices?: Prices;
  readonly log: Logger;
  /** Epoch ms, for the ends of sessions. */
  readonly now: () => number;
}
