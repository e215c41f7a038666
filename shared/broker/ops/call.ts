import type { RawJob } from '../../types.ts';
import type { Keys } from '../keys.ts';
import type { Argument } from '../redis/client.ts';

/** A script's call while it is written: each key once, named by its place, and arguments in the order in which Lua reads them. */
export class ScriptCall {
  readonly keys: string[];
  readonly args: Argument[] = [];
  readonly #places: Map<string, number>;

  /** @param keys those that the script knows by their place, from 1 */
  constructor(keys: readonly string[]) {
    this.keys = [...keys];
    this.#places = new Map(keys.map((key, i) => [key, i + 1]));
  }

  /** The place of a key among KEYS, from 1; a new one is added. */
  key(name: string): number {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = this.keys.push(name);
      this.#places.set(name, place);
    }
    return place;
  }

  /** One by one: a hundred thousand arguments do not fit on the stack. */
  add(...args: readonly Argument[]): void {
    for (const arg of args) this.args.push(arg);
  }
}

/** Whose outcome it is. */
export interface OpContext {
  readonly raw: RawJob;
  readonly worker: string;
  readonly keys: Keys;
}

/**
 * Lua, behind which the operations stand. `arg()` and `int()` read ARGV in order; `key()` reads the place of a key and
 * gives the key. `try` is redis.call for keys that somebody else may have made something else of: it notes the key with
 * Redis's words in `wrong`, to be told, and returns nil and those words. A Redis that takes no writes now, such as a replica
 * in a failover, is no fault of a key: that ends the script, with its first write.
 */
export const READ_ARGUMENTS = `
local at, wrong = 0, {}
local call = redis.call
local function arg() at = at + 1; return ARGV[at] end
local function int() at = at + 1; return tonumber(ARGV[at]) end
local function key() at = at + 1; return KEYS[tonumber(ARGV[at])] end
local NOT_NOW = {READONLY = true, MISCONF = true, NOREPLICAS = true, MASTERDOWN = true, LOADING = true, CLUSTERDOWN = true}
local function try(command, name, ...)
  local answer = redis.pcall(command, name, ...)
  if type(answer) == 'table' and answer.err then
    if NOT_NOW[string.match(answer.err, '%u+') or ''] then return call(command, name, ...) end
    wrong[name] = answer.err
    return nil, answer.err
  end
  return answer
end
local function wrongKeys()
  local list = {}
  for name, err in pairs(wrong) do list[#list + 1] = {name, err} end
  return list
end
`;
