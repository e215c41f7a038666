/** The one of `known` that `name` is most likely a slip of: for "did you mean". */
export function similarName(name: string, known: readonly string[]): string | undefined {
  const plain = name.toLowerCase();
  const distances = known.map((one) => ({ one, far: distance(plain, one.toLowerCase()) }));
  const [nearest] = distances.sort((a, b) => a.far - b.far);
  // Of a short name, half of the letters may be wrong by chance.
  return nearest && nearest.far <= Math.min(3, Math.floor(name.length / 3) + 1) ? nearest.one : undefined;
}

/** How many letters have to be put in, left out, changed or swapped with the next to make one of the other. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before[j - 2] ?? Infinity) + 1 : Infinity;
      row.push(Math.min(change, swap, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
