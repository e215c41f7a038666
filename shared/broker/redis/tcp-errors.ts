/** What the library makes of errors. */

export function isRefusedSelect(error: Error): boolean {
  const { command } = error as { command?: { name?: unknown } };
  return command?.name === 'select';
}

/** The library hangs the command on its errors: passwords and payloads, not for a log. */
export function withoutCommand<Thrown>(thrown: Thrown): Thrown {
  if (thrown instanceof Error && 'command' in thrown) delete thrown.command;
  return thrown;
}
