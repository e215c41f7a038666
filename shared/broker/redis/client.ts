import { createHash } from 'node:crypto';

/** What Redis answers. Strings stay bytes: a payload need not be valid UTF-8. */
export type Reply = number | null | Buffer | readonly Reply[];

/** An argument of a command. Text only, since REST carries JSON; payload bytes never travel back to Redis. */
export type Argument = string | number;

/** A Lua script and its SHA-1, by which Redis remembers it. */
export interface Script {
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
}

/** Everything the store needs of a Redis: one file per backend implements it. */
export interface RedisClient {
  /** Host and port, for error messages; never credentials. */
  readonly address: string;
  /** A Redis Cluster: the keys of a namespace have to be in one slot, so it is a hash tag such as `{resque}:`. */
  readonly cluster?: boolean;
  command(args: readonly Argument[]): Promise<Reply>;
  script(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<Reply>;
  /** A connection of its own; undefined where there are none, as over REST. @param at a server of them */
  readonly connect?: (at?: ServerPlace) => Promise<RedisConnection>;
  close(): Promise<void>;
}

export interface ServerPlace {
  readonly host: string;
  readonly port: number;
  /** What its certificate is made out to, if that is not its host. */
  readonly servername?: string | undefined;
}

/** One connection to one server: for what is bound to it, such as what it has subscribed to. */
export interface RedisConnection {
  /** The server at its other end; undefined for a socket. */
  readonly server: ServerPlace | undefined;
  command(args: readonly Argument[]): Promise<Reply>;
  subscribe(channel: string, onMessage: (message: Reply) => void): Promise<void>;
  /** Resolves when it has ended, for whatever reason. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Comments stand beside their lines here, and are not sent to Redis nor carried in bundles' memory. */
const LUA_COMMENT = /^\s*--.*\n|[ \t]+-- .*$/gm;

/**
 * Nothing is made of it before it is used: a function has thirty scripts, and its first job waits for one of them.
 * @param lua the script; a comment begins with two dashes and a blank, at the start of a line or behind blanks
 */
export function defineScript(name: string, lua: string): Script {
  let code: string | undefined;
  let sha: string | undefined;
  return {
    name,
    get lua() {
      code ??= lua.replace(LUA_COMMENT, '');
      return code;
    },
    get sha() {
      sha ??= createHash('sha1').update(this.lua).digest('hex');
      return sha;
    },
  };
}

/**
 * EVALSHA, and EVAL where Redis does not know the script yet (first use, restart, SCRIPT FLUSH).
 * Works only for a command sent by itself: inside a pipeline the fallback would come too late.
 */
export async function evaluate(
  command: RedisClient['command'],
  script: Script,
  keys: readonly string[],
  args: readonly Argument[],
): Promise<Reply> {
  try {
    return await command(['EVALSHA', script.sha, keys.length, ...keys, ...args]);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('NOSCRIPT'))) throw error;
    return command(['EVAL', script.lua, keys.length, ...keys, ...args]);
  }
}

/** The text of a bulk reply; '' for null. */
export function text(reply: Reply | undefined): string {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  return reply === null || reply === undefined ? '' : String(reply);
}

/** The elements of an array reply; none for null. */
export function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
