/**
 * Keeps what was loaded for a while, whoever asks. What could not be loaded is not kept.
 * @param ms how long
 */
export function kept<Key, Value>(ms: number): (key: Key, now: number, load: () => Promise<Value>) => Promise<Value> {
  const values = new Map<Key, { readonly value: Promise<Value>; readonly until: number }>();
  return async (key, now, load) => {
    const known = values.get(key);
    if (known && known.until > now) return known.value;
    const value = load();
    values.set(key, { value, until: now + ms });
    value.catch(() => values.delete(key));
    return value;
  };
}
