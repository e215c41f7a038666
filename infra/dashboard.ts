import { Duration } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { type FunctionUrl, FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { DashboardSettings } from '../functions/contract/settings.ts';
import type { CronEntry } from '../shared/index.ts';
import type { OptionsOf } from '../shared/internal.ts';
import type { Consumer } from './consumer.ts';
import { dashboardAssets } from './dashboard/assets.ts';
import { version } from './dashboard/version.ts';
import { type FunctionOptions, LambdesqueFunction, type SystemOptions } from './function/function.ts';
import { requireJobs } from './modules/jobs.ts';
import { omitUndefined } from './omit-undefined.ts';
import { checkProps, functionOptions, systemOptions } from './options.ts';
import { grantReadSecret, type SecretSource, secretRef } from './secret-source.ts';

/** Options of the dashboard in the browser. */
export interface DashboardOptions extends FunctionOptions {
  /**
   * The password that the page asks for, 12 characters or more. With one the URL is public, and shows a sign-in and nothing else.
   * @default none; then `auth: 'iam'` has to be given
   */
  readonly password?: SecretSource;
  /**
   * `iam`: callers sign their requests, as for any AWS API, and need `grantAccess`. For what stands behind a proxy that
   * signs, or behind a load balancer that knows who it is.
   * @default 'password'
   */
  readonly auth?: 'password' | 'iam';
  /**
   * The key with which apps that cannot reach Redis sign what they send to `POST /jobs`: 32 characters or more, made at random. It
   * opens nothing else, and `readOnly` does not refuse it. With `auth: 'iam'` the request is signed for AWS besides.
   * @default none: nothing is taken
   */
  readonly jobsKey?: SecretSource;
  /**
   * The bearer token with which Prometheus gets `/metrics`: 20 characters or more, made at random. It opens nothing else.
   * @default none: the metrics are behind the sign-in, as all pages are
   */
  readonly metricsToken?: SecretSource;
  /** Refuse every change. @default false */
  readonly readOnly?: boolean;
  /** Of one page. @default Duration.seconds(30) */
  readonly timeout?: Duration;
  /**
   * Invocations at once: a ceiling for a URL that everybody can call. Lambda takes them off the account's limit, and
   * refuses the deployment where too few are left: 100, or 10 in a new account, which may have no more than these.
   * @default none are reserved, and the account's limit is the ceiling
   */
  readonly reservedConcurrentExecutions?: number;
}

/** Props of a dashboard without `Lambdesque` around it. */
export interface DashboardProps extends SystemOptions, DashboardOptions {
  /** Those whose log groups and memory it is to know. */
  readonly consumers: readonly Consumer[];
  /** The static cron entries, to be shown and run. @default only those that are kept in Redis */
  readonly cron?: Readonly<Record<string, CronEntry>>;
}

/** Those that it has within `Lambdesque`. */
export const dashboardOptions = {
  password: true,
  auth: true,
  jobsKey: true,
  metricsToken: true,
  readOnly: true,
  timeout: true,
  reservedConcurrentExecutions: true,
  ...functionOptions,
} satisfies OptionsOf<DashboardOptions>;
const OPTIONS = {
  ...dashboardOptions,
  consumers: true,
  cron: true,
  ...systemOptions,
} satisfies OptionsOf<DashboardProps>;

/** Their names are known when they are deployed, and the environment has 4 kB. A console searches 50 at once. */
const MOST_LOG_GROUPS = 20;

/**
 * The dashboard in the browser: a function that makes its pages, and the function's URL. `Lambdesque` makes one where it is given `dashboard`.
 * @example
 * const password = Secret.fromSecretNameV2(stack, 'Password', 'lambdesque/dashboard');
 * new Dashboard(stack, 'Dashboard', { redis, jobs: 'functions/jobs/index.ts', consumers: [consumer], password });
 */
export class Dashboard extends Construct {
  /** What makes the pages. */
  readonly function: LambdesqueFunction;
  /** Where they are. */
  readonly url: FunctionUrl;

  constructor(scope: Construct, id: string, props: DashboardProps) {
    super(scope, id);
    if (new.target === Dashboard) checkProps('Dashboard', props, OPTIONS);
    const { consumers, cron = {}, password, auth = 'password' } = props;
    const signIn = signInOf(auth, password);
    const jobsKey = secretOf('jobsKey', props.jobsKey);
    const metricsToken = secretOf('metricsToken', props.metricsToken);
    this.function = new LambdesqueFunction(this, 'Function', {
      ...props,
      entry: 'dashboard',
      description: 'Lambdesque dashboard: queues, jobs, failures, cron and workers, in the browser',
      memorySize: props.memorySize ?? 512,
      timeout: props.timeout ?? Duration.seconds(30),
      constants: { cron, registry: requireJobs(props.jobs) },
      assets: dashboardAssets(),
      settings: (common): DashboardSettings => ({
        ...common,
        signIn,
        ...omitUndefined({
          readOnly: props.readOnly,
          metricsToken: metricsToken && secretRef(metricsToken),
          jobsKey: jobsKey && secretRef(jobsKey),
        }),
        version,
        logGroups: consumers.slice(0, MOST_LOG_GROUPS).map((one) => one.function.logGroup.logGroupName),
        memory: Math.max(128, ...consumers.map((one) => one.memorySize)),
      }),
    });
    if (password && auth === 'password') grantReadSecret(password, this.function);
    for (const one of [metricsToken, jobsKey]) if (one) grantReadSecret(one, this.function);
    this.url = this.function.addFunctionUrl({
      authType: auth === 'iam' ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
    });
  }

  /**
   * Lets somebody open it, with `auth: 'iam'`.
   * @example
   * const options = { redis, jobs: 'functions/jobs/index.ts', consumers: [consumer] };
   * const dashboard = new Dashboard(stack, 'Dashboard', { ...options, auth: 'iam' });
   * dashboard.grantAccess(webApp);
   */
  grantAccess(grantee: IGrantable): Grant {
    return this.url.grantInvokeUrl(grantee);
  }
}

/** @throws Error for one that stands in the template, as a program without types may have it */
function secretOf(option: string, secret: SecretSource | undefined): SecretSource | undefined {
  if (typeof secret !== 'string') return secret;
  throw new Error(
    `dashboard.${option} must not stand in the template. Store it with \`aws secretsmanager create-secret\`, and give ` +
      "Secret.fromSecretNameV2(stack, 'Dashboard', '<name>').",
  );
}

function signInOf(auth: 'password' | 'iam', password: SecretSource | undefined): DashboardSettings['signIn'] {
  if (auth === 'iam') {
    if (!password) return { kind: 'iam' };
    throw new Error(
      "dashboard: password and auth: 'iam' do not go together: with iam, AWS asks who it is. Give one of them.",
    );
  }
  const secret = secretOf('password', password);
  if (secret) return { kind: 'password', password: secretRef(secret) };
  throw new Error(
    "dashboard needs a password, such as Secret.fromSecretNameV2(stack, 'DashboardPassword', '<name>'); or auth: 'iam', so that AWS asks who it is.",
  );
}
