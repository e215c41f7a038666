import type { Logger } from '../../shared/index.ts';
import type { Clock } from '../../shared/internal.ts';
import type { Aws } from '../aws/requests.ts';

/** For what runs besides consumers: a tick, another that it overlaps, a page. */
const KEPT = 2;
/** How often AWS is asked again, ms: a limit that was raised is seen soon enough. */
const KNOWN_FOR = 600_000;

/**
 * How many functions may run at once in this account and region, as far as nothing is reserved: 10 in a new account. The
 * workers that the scheduler starts leave some of it, or its own ticks would wait behind them.
 */
export class AccountLimit {
  readonly #aws: Pick<Aws, 'unreservedConcurrency'>;
  readonly #clock: Clock;
  #known: { readonly limit: number; readonly until: number } | undefined;

  constructor(aws: Pick<Aws, 'unreservedConcurrency'>, clock: Clock) {
    this.#aws = aws;
    this.#clock = clock;
  }

  /** For workers of all consumers that reserve no concurrency. Where AWS does not say, there is no limit, which is told once. */
  async workers(log: Logger): Promise<number> {
    const now = this.#clock.now();
    if (this.#known === undefined || now >= this.#known.until) {
      const limit = await this.#aws.unreservedConcurrency().catch((error: unknown) => {
        const message = 'The account’s limit of concurrent executions is not known, and is not kept';
        if (this.#known?.limit !== Infinity) log.warn(message, { error });
        return Infinity;
      });
      this.#known = { limit, until: now + KNOWN_FOR };
    }
    return Math.max(1, this.#known.limit - KEPT);
  }
}
