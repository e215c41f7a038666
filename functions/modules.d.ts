/** What bundling puts in: see bundling.ts. */

/** The jobs module: its default export is an array of definitions. */
declare module 'lambdesque-jobs' {
  const jobs: readonly import('../shared/internal.ts').AnyJobDefinition[];
  export default jobs;
  // And, in some, `defaults`, `middleware` and `callbacks`.
}

/** One of backends/upstash.ts and backends/tcp.ts. */
declare module 'lambdesque-backend' {
  export const connect: import('./backends/backend.ts').Connect;
}

/** The part of `@upstash/redis` that sends a command. */
declare module 'lambdesque-upstash-http' {
  export const HttpClient: new (
    config: import('../shared/internal.ts').HttpConfig & {
      readonly baseUrl: string;
      readonly headers: Readonly<Record<string, string>>;
    },
  ) => import('../shared/internal.ts').Http;
}

/** What traces; undefined where nothing does. */
declare module 'lambdesque-telemetry' {
  export const tracer: import('./telemetry/tracer.ts').Tracer | undefined;
}

/** What becomes of an event of AWS; undefined where a rule says so. */
declare module 'lambdesque-map' {
  const map: import('./enqueue/rule.ts').EnqueueMap | undefined;
  export default map;
}

/** What the dashboard's pages load, made of functions/dashboard/browser. */
declare module 'lambdesque-dashboard-assets' {
  export const assets: import('./dashboard/options.ts').Assets;
}

/** The cron entries of the infrastructure code, by name. */
declare const LAMBDESQUE_CRON: Readonly<Record<string, import('../shared/internal.ts').CronEntry>>;

/** The queue of each job class, by the class of its definition; null where it has none. */
declare const LAMBDESQUE_QUEUES: Readonly<Record<string, string | null>>;
