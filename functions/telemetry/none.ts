/** What `lambdesque-telemetry` is in a bundle of a system that does not trace. */
export const tracer = undefined;
