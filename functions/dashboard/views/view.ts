import type { Fields } from '../fields.ts';
import type { Session } from '../guard/sessions.ts';
import type { Inspector, StatPoint } from '../inspector.ts';
import type { About, LogPlace, Prices } from '../options.ts';

/** What a page is made of. */
export interface View {
  readonly inspector: Inspector;
  readonly query: Fields;
  readonly session: Session;
  /** Redis's time. */
  readonly now: Date;
  /** undefined where Redis could not be asked. */
  readonly totals: Awaited<ReturnType<Inspector['stats']['totals']>> | undefined;
  readonly readOnly: boolean;
  readonly signsIn: boolean;
  /** Between two updates, ms. */
  readonly interval: number;
  readonly about: About;
  readonly logs: LogPlace | undefined;
  readonly prices: Prices | undefined;
  /** Of all queues and classes; kept for a while, since it changes once a minute. */
  series(unit: 'minute' | 'day'): Promise<readonly StatPoint[]>;
  /** Of an answer; undefined: any number. */
  readonly mostBytes: number | undefined;
  /** Sent to Redis for this page so far. */
  commands(): number;
}
