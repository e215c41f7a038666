/** The event with which the scheduler starts a worker of a consumer. @param start the id under which Redis waits for it to register */
export function startEvent(consumer: string, start: string): object {
  return { source: SCHEDULER, consumer, start };
}

/** Which start of the scheduler an event is; undefined where something else made it. */
export function startOf(event: unknown): string | undefined {
  const { source, start } = (event ?? {}) as { readonly source?: unknown; readonly start?: unknown };
  return source === SCHEDULER && typeof start === 'string' ? start : undefined;
}

const SCHEDULER = 'lambdesque.scheduler';
