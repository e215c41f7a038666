import { lettersBetween } from './nearest.ts';

/** The one of `known` that `name` is most likely a slip of: for "did you mean". */
export function similarName(name: string, known: readonly string[]): string | undefined {
  const plain = name.toLowerCase();
  const distances = known.map((one) => ({ one, far: lettersBetween(plain, one.toLowerCase()) }));
  const [nearest] = distances.sort((a, b) => a.far - b.far);
  // Of a short name, half of the letters may be wrong by chance.
  return nearest && nearest.far <= Math.min(3, Math.floor(name.length / 3) + 1) ? nearest.one : undefined;
}
