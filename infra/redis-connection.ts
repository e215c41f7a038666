import { Token } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, Port, type SubnetSelection, type Vpc } from 'aws-cdk-lib/aws-ec2';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RedisSettings } from '../functions/contract/settings.ts';
import { checkOptions, type OptionsOf, parseRedisUrl, type RedisTarget, shownUrl } from '../shared/internal.ts';
import { grantReadSecret, type SecretSource, secretRef } from './secret-source.ts';

/** Upstash's REST API: both values are on the database's page. */
export interface UpstashConnectionProps {
  /** The database's REST URL, `https://<name>.upstash.io`. */
  readonly url: string | SecretSource;
  /** Its REST token; the standard one, not the read-only. */
  readonly token: SecretSource;
}

/** A Redis over TCP, and how the functions get to it. */
export interface TcpConnectionProps {
  /**
   * `redis[s]://host[:port][/database]`, `redis://host:port?cluster` or `redis+sentinel://host:port,…/name`, without a
   * password; or a secret that is the whole URL, password included.
   */
  readonly url: string | SecretSource;
  /**
   * A Redis Cluster (ElastiCache or MemoryDB in cluster mode). Say so where the URL is a secret: the default namespace is a
   * hash tag there.
   * @default whether the URL says `?cluster`
   */
  readonly cluster?: boolean;
  /**
   * The password; or JSON `{"username": …, "password": …}`, as ElastiCache and MemoryDB rotate it.
   * @default no password
   */
  readonly secret?: SecretSource;
  /**
   * Where Redis can be reached. The functions then run in it, and need a way to Secrets Manager or SSM, and the
   * scheduler one to Lambda: a NAT gateway, or interface endpoints.
   * @default none: Redis has a public address
   */
  // Vpc does not fit its own interface under exactOptionalPropertyTypes.
  readonly vpc?: IVpc | Vpc;
  /** @default the private subnets */
  readonly vpcSubnets?: SubnetSelection;
  /** Redis's own. The functions are let in on its port. @default no rule is added */
  readonly securityGroup?: ISecurityGroup;
  /** The port that `securityGroup` opens. @default the port in `url`, else 6379 */
  readonly port?: number;
}

const UPSTASH = { url: true, token: true } satisfies OptionsOf<UpstashConnectionProps>;
const TCP = {
  url: true,
  cluster: true,
  secret: true,
  vpc: true,
  vpcSubnets: true,
  securityGroup: true,
  port: true,
} satisfies OptionsOf<TcpConnectionProps>;

/**
 * How the functions reach Redis, and which of the two clients their bundles hold.
 * @example const redis = RedisConnection.tcp({ url: 'rediss://cache.example.internal:6379', vpc, securityGroup });
 */
export abstract class RedisConnection {
  /**
   * Upstash's REST API.
   * @throws Error for a URL that is no `https://` one
   * @example
   * const secret = Secret.fromSecretNameV2(stack, 'Upstash', 'lambdesque/upstash');
   * const redis = RedisConnection.upstash({ url: { secret, field: 'url' }, token: { secret, field: 'token' } });
   */
  static upstash(props: UpstashConnectionProps): RedisConnection {
    return new UpstashConnection(props);
  }

  /**
   * A Redis or Valkey over TCP: in a VPC (ElastiCache, MemoryDB, your own), or with a public address.
   * @throws Error for a URL that cannot be used
   * @example const redis = RedisConnection.tcp({ url: 'rediss://cache.example.internal:6379', vpc, securityGroup });
   */
  static tcp(props: TcpConnectionProps): RedisConnection {
    return new TcpConnection(props);
  }

  /** For the functions' environment. Holds no secret value, only where each is kept. @internal */
  abstract readonly settings: RedisSettings;
  /** Is it known to be a Redis Cluster? */
  readonly cluster: boolean = false;
  /** Where the functions run; undefined where they need none. */
  abstract readonly vpc: IVpc | undefined;
  /** In which of its subnets; undefined for the private ones. */
  abstract readonly vpcSubnets: SubnetSelection | undefined;
  /** What a function has to be allowed to read. */
  protected abstract readonly secrets: readonly SecretSource[];

  /** Lets a function read the secrets, and reach Redis. */
  grantConnect(grantee: IFunction): void {
    for (const source of this.secrets) grantReadSecret(source, grantee);
  }
}

class UpstashConnection extends RedisConnection {
  readonly settings: RedisSettings;
  readonly vpc = undefined;
  readonly vpcSubnets = undefined;
  protected readonly secrets: readonly SecretSource[];

  constructor(props: UpstashConnectionProps) {
    super();
    checkOptions('RedisConnection.upstash', props, UPSTASH, true);
    const { url, token } = props;
    if (typeof url === 'string' && !Token.isUnresolved(url) && !/^https:\/\/[^\s/@?#]+\/?$/.test(url)) {
      throw new Error(`RedisConnection.upstash: url must look like https://<name>.upstash.io; got ${shownUrl(url)}.`);
    }
    if (typeof token === 'string') {
      throw new Error(
        'RedisConnection.upstash: token must not stand in the template. Store it with `aws secretsmanager create-secret`, ' +
          "and give Secret.fromSecretNameV2(stack, 'Token', '<name>').",
      );
    }
    this.settings = { kind: 'upstash', url: typeof url === 'string' ? url : secretRef(url), token: secretRef(token) };
    this.secrets = typeof url === 'string' ? [token] : [url, token];
  }
}

class TcpConnection extends RedisConnection {
  readonly settings: RedisSettings;
  override readonly cluster: boolean;
  readonly vpc: IVpc | undefined;
  readonly vpcSubnets: SubnetSelection | undefined;
  protected readonly secrets: readonly SecretSource[];
  readonly #securityGroup: ISecurityGroup | undefined;
  readonly #ports: readonly number[];

  constructor(props: TcpConnectionProps) {
    super();
    checkOptions('RedisConnection.tcp', props, TCP, true);
    const { url, secret, vpc, vpcSubnets, securityGroup } = props;
    const target = typeof url === 'string' ? targetOf(url, props.cluster ?? false) : undefined;
    this.cluster = props.cluster ?? target?.kind === 'cluster';
    this.#ports = portsOf(target, props.port);
    if (securityGroup && !vpc) {
      throw new Error(
        'RedisConnection.tcp: securityGroup needs vpc, the VPC that it is in; without one no function could use it.',
      );
    }
    this.settings = {
      kind: 'tcp',
      url: typeof url === 'string' ? url : secretRef(url),
      ...(props.cluster ? { cluster: true } : {}),
      ...(secret ? { auth: secretRef(secret) } : {}),
    };
    this.secrets = [...(typeof url === 'string' ? [] : [url]), ...(secret ? [secret] : [])];
    this.vpc = vpc as IVpc | undefined;
    this.vpcSubnets = vpcSubnets;
    this.#securityGroup = securityGroup;
  }

  override grantConnect(grantee: IFunction): void {
    super.grantConnect(grantee);
    const securityGroup = this.#securityGroup;
    if (!securityGroup) return;
    for (const port of this.#ports) {
      for (const group of grantee.connections.securityGroups) {
        // The rule is made where the function is, so that Redis may be in a stack that this one depends on.
        securityGroup.addIngressRule(group, Port.tcp(port), 'Lambdesque to Redis', true);
      }
    }
  }
}

/** Parts of a URL that are known only when it is deployed. */
const TOKEN = /\$\{Token\[[^\]]*\]\}/g;

const IN_TEMPLATE =
  'RedisConnection.tcp: url holds a user or a password, which would stand in the template. Leave it out and give it ' +
  'in secret; or store the whole URL in a secret, and give that as url.';
/** The options of a URL that say who it is. */
const CREDENTIALS = /[?&][-_]*(?:sentinel[-_]*)?(?:user(?:[-_]*name)?|pass[-_]*word)[-_]*=/i;

function targetOf(url: string, cluster: boolean): RedisTarget | undefined {
  if (CREDENTIALS.test(url)) throw new Error(IN_TEMPLATE);
  // All of it, or its beginning, is known only then.
  if (url.startsWith('${Token[')) return undefined;
  let target: RedisTarget;
  try {
    // What a token becomes is a host's name, or a port behind a colon.
    const known = url.replace(TOKEN, (_, at: number) => (url[at - 1] === ':' ? '6379' : 'token'));
    target = parseRedisUrl(cluster && !known.includes('?') ? `${known}?cluster` : known);
  } catch (cause) {
    throw new Error(`RedisConnection.tcp: url: ${(cause as Error).message}`, { cause });
  }
  if (target.kind === 'socket') {
    throw new Error('RedisConnection.tcp: url is that of a socket, and functions have no Redis on their own machine.');
  }
  if (target.username !== undefined || target.password !== undefined) throw new Error(IN_TEMPLATE);
  return target;
}

/** What has to be open: behind Sentinels, their own ports and that of Redis. */
function portsOf(target: RedisTarget | undefined, port: number | undefined): readonly number[] {
  if (target?.kind === 'sentinel') return [...new Set([...target.nodes.map((node) => node.port), port ?? 6379])];
  if (port !== undefined || !target || target.kind === 'socket') return [port ?? 6379];
  return [...new Set(target.kind === 'cluster' ? target.nodes.map((node) => node.port) : [target.port])];
}
