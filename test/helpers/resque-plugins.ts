import { readFileSync } from 'node:fs';

/** A job that Ruby enqueued, and the keys that its plugin keeps for it. */
export interface PluginVector {
  readonly gem: string;
  readonly queue: string;
  readonly payload: string;
  readonly keys: readonly string[];
}

/** A job of resque-status, with its record as Ruby wrote it when it was enqueued, and when a Ruby worker had run it. */
export interface StatusVector {
  readonly gem: string;
  readonly queue: string;
  readonly payload: string;
  readonly key: string;
  readonly queued: string;
  readonly ended: string;
}

/**
 * What was captured from resque-retry 1.8.1, resque-loner 1.3.0, resque-lock 1.1 and resque-status 0.5.0 on resque 3.0.0, Ruby
 * 3.1.2, with a real Redis; JSON by the json gem.
 */
export function pluginVectors(): {
  readonly keys: readonly PluginVector[];
  readonly statuses: readonly StatusVector[];
} {
  const text = readFileSync(new URL('../wire/resque-plugins.jsonl', import.meta.url), 'utf8');
  const all = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PluginVector | StatusVector);
  const keys = all.filter((one): one is PluginVector => 'keys' in one);
  return { keys, statuses: all.filter((one): one is StatusVector => 'queued' in one) };
}
