import { readdirSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** Between two looks, ms. */
const LOOK = 150;
/** What an import can lead to. */
const SOURCES = new Set(['.ts', '.mts', '.cts', '.tsx', '.js', '.mjs', '.cjs', '.jsx', '.json']);

/**
 * Tells when files change. It looks at them again and again: that works on every file system, for files that editors replace, in
 * folders that are replaced, and for files that are not there yet; and a few hundred looks cost nothing.
 */
export class FileWatch {
  /** By path: how it looked last; undefined for one that is not there. */
  readonly #known = new Map<string, string | undefined>();
  readonly #changed = new Set<string>();
  readonly #timer = setInterval(() => this.#look(), LOOK);
  #next = Promise.withResolvers<string[]>();
  #folders: ReadonlySet<string> | undefined;

  /** @param since epoch ms: one that is new to it and younger than this counts as changed */
  add(paths: Iterable<string>, since = Infinity): void {
    for (const path of paths) {
      if (this.#known.has(path)) continue;
      const { stamp, changedAt } = lookAt(path);
      this.#known.set(path, stamp);
      if (changedAt > since) this.#changed.add(path);
    }
  }

  /** From now on files that appear beside the others count as well: one of them may be what is missing. */
  alsoBeside(): void {
    this.#folders = new Set(Array.from(this.#known.keys(), dirname));
    this.add(this.#beside());
  }

  /** The paths that change next: when no other has changed for a moment, so that none is half written. */
  next(): Promise<string[]> {
    return this.#next.promise;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    let quiet = true;
    const note = (path: string, stamp: string | undefined) => {
      if (this.#known.get(path) === stamp) return;
      this.#known.set(path, stamp);
      this.#changed.add(path);
      quiet = false;
    };
    for (const path of this.#known.keys()) note(path, lookAt(path).stamp);
    for (const path of this.#beside()) if (!this.#known.has(path)) note(path, lookAt(path).stamp);
    if (!quiet || this.#changed.size === 0) return;
    this.#next.resolve([...this.#changed]);
    this.#next = Promise.withResolvers();
    this.#changed.clear();
    this.#folders = undefined;
  }

  #beside(): string[] {
    return [...(this.#folders ?? [])].flatMap((folder) => {
      try {
        const names = readdirSync(folder).filter((name) => SOURCES.has(extname(name)));
        return names.map((name) => join(folder, name));
      } catch {
        return [];
      }
    });
  }
}

function lookAt(path: string): { readonly stamp: string | undefined; readonly changedAt: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat
    ? { stamp: `${stat.mtimeMs} ${stat.size} ${stat.ino}`, changedAt: stat.mtimeMs }
    : { stamp: undefined, changedAt: -Infinity };
}
