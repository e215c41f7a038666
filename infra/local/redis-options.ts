import type { Command } from 'commander';

/** The flags that say which Redis: the same for every command that needs one. */
export function redisOptions(command: Command): Command {
  return command
    .option('--uri <url>', 'Redis over TCP or a socket [1]')
    .option('--upstash-url <url>', 'Upstash REST API instead [2]')
    .option('--upstash-token <token>', 'its token [2]')
    .option('--namespace <prefix>', 'of every key (resque:; {resque}: in a cluster)')
    .addHelpText(
      'after',
      `
[1] redis[s]://[user:password@]host[:port][/database], …?cluster, a socket's
    path, redis+sentinel://host,host/name; else env REDIS_URL, or the variable
    that REDIS_PROVIDER names; else [2] if set; else redis://localhost:6379/
[2] else env UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN
Times: seconds, or with units: 500ms, 30s, 1h30m, 2d.`,
    );
}

export function examples(...lines: readonly string[]): string {
  return ['', 'For example:', ...lines.map((line) => `  ${line}`)].join('\n');
}
