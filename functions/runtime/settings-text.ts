import { existsSync, readFileSync } from 'node:fs';
import { settingsFile } from '../contract/settings.ts';

/**
 * A function's settings: what was known when its asset was made stands in a file beside the bundle, what only the
 * deployment knew in the environment.
 * @param bundle URL of the bundle's file  @param variable what the environment has
 */
export function settingsText(bundle: string, variable: string | undefined): string | undefined {
  const file = new URL(settingsFile, bundle);
  if (!existsSync(file)) return variable;
  const known = readFileSync(file, 'utf8');
  try {
    return JSON.stringify(merged(JSON.parse(known), JSON.parse(variable ?? '{}')));
  } catch {
    // Whoever reads it says so.
    return variable;
  }
}

function merged(known: unknown, deployed: unknown): unknown {
  if (!isObject(known) || !isObject(deployed)) return deployed ?? known;
  const all: Record<string, unknown> = { ...known };
  for (const [key, value] of Object.entries(deployed)) all[key] = merged(all[key], value);
  return all;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
