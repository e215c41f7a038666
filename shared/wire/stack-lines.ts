/** The folders of this package in a line of a stack; jobs beside them are their authors'. */
const OWN = ownFolders(new Error().stack ?? '');
const NODE = /\(?\bnode:|<anonymous>\)?$|\(index \d+\)$/;

/**
 * The lines of a stack that lead to the reader's own code: without those of this package and of Node.js. Where no other is
 * left, the mistake is in this package, and all of them are given.
 */
export function stackLines(stack: string): string[] {
  const lines = stack.split('\n').filter((line) => /^\s+at /.test(line));
  const theirs = lines.filter((line) => !OWN?.test(line) && !NODE.test(line));
  return (theirs.length > 0 ? theirs : lines).map((line) => line.trim());
}

/**
 * Where this file was at in a stack, as source maps have it: a bundle's folders cannot be known otherwise.
 * @returns undefined in a bundle without source maps, where one file holds all
 */
function ownFolders(here: string): RegExp | undefined {
  const root = /(?:file:\/\/|\(|at )((?:[A-Za-z]:)?[^\s():]*[\\/])shared[\\/]wire[\\/]stack-lines\.[jt]s:/.exec(
    here,
  )?.[1];
  if (root === undefined) return undefined;
  const folder = root.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`${folder}(?:shared|infra|functions(?![\\\\/]jobs))[\\\\/]`);
}
