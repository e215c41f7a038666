/** Names that differ in more than this part of their letters were not meant. */
const MOST_DIFFERENT = 0.34;

/** The name that was probably meant, of a list; undefined if none is near. Case counts for little. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(name.length * MOST_DIFFERENT)) + 0.5;
  for (const one of known) {
    const distance = one === name ? 0 : 0.1 + lettersBetween(name.toLowerCase(), one.toLowerCase());
    if (distance < least) [best, least] = [one, distance];
  }
  return best;
}

/** For the end of a message. */
export function didYouMean(name: string | undefined): string {
  return name === undefined ? '' : ` (did you mean ${JSON.stringify(name)}?)`;
}

/** How many letters have to be added, removed, changed or swapped with their neighbour. Names are short. */
function lettersBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 40) return Infinity;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let least = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + same);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      next.push(least);
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? Infinity;
}
