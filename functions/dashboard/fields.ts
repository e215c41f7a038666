/** Fields of a query or a form, each of which may be there several times. */
export class Fields {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = new Map(
      Object.entries(values).map(([name, given]) => [
        name,
        [given].flat().filter((one): one is string => typeof one === 'string'),
      ]),
    );
  }

  /** @returns undefined where it is missing or empty */
  text(name: string): string | undefined {
    return this.#values.get(name)?.[0] || undefined;
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  entries(): (readonly [name: string, value: string])[] {
    return [...this.#values].flatMap(([name, values]) => values.map((value) => [name, value] as const));
  }

  /** A whole number; else, or where it is out of bounds, the default. */
  number(name: string, standard: number, [low, high]: readonly [number, number]): number {
    const text = this.text(name);
    const value = Number(text);
    return text !== undefined && Number.isInteger(value) && value >= low && value <= high ? value : standard;
  }

  /** Of a `datetime-local` or `date` field, which have no zone: UTC. */
  date(name: string): Date | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const date = new Date(/[zZ]|[+-]\d\d:\d\d$/.test(text) ? text : text.includes('T') ? `${text}Z` : `${text}T00:00Z`);
    return Number.isNaN(date.getTime()) ? undefined : date;
  }
}
