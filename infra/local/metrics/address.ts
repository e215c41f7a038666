/** Where `--metrics` listens. */
export interface MetricsAddress {
  /** @default every address of this machine */
  readonly host?: string;
  readonly port: number;
}

/** `:9464`, `9464`, `127.0.0.1:9464` or `[::1]:9464`. @returns undefined for what is none */
export function metricsAddress(text: string): MetricsAddress | undefined {
  const [, v6, host, digits] = /^(?:\[([0-9a-fA-F:.]+)\]:|([^:[\]]*):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return undefined;
  const name = v6 ?? host;
  return { port, ...(name === undefined || name === '' ? {} : { host: name }) };
}
