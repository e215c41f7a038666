/** The command line asks for something that there is not. */
export class UsageError extends Error {}

export function usageError(message: string): never {
  throw new UsageError(message);
}
