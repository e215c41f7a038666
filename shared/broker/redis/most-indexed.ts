/**
 * A delayed payload of more bytes has no index: its key would hold the whole payload, and Upstash refuses keys over 32 KB.
 * resque-scheduler's `remove_delayed` does not find it then; all else goes by the delayed list.
 */
export const MOST_INDEXED_BYTES = 30_000;
