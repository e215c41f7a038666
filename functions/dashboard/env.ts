import type { Session } from './guard/sessions.ts';
import type { Opened } from './options.ts';

/** What Hono carries through a request. @typeParam Env what the server knows of it */
export interface DashboardEnv<Env extends object> {
  readonly Bindings: Env;
  readonly Variables: {
    /** Opens the inspector when it is first needed. */
    opened: () => Promise<Opened>;
    session: Session;
  };
}
