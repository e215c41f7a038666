/** The environment's variables. The one place that reads them: everything else is given what it needs. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;
