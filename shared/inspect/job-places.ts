import type { ElementRef } from '../broker/lists.ts';
import { ConfigError } from '../errors.ts';

/** Where a job is. */
export type JobPlace =
  /** @property name of the queue; the due time; the gate */
  | { readonly kind: 'queue' | 'delayed' | 'parked'; readonly name: string; readonly element: ElementRef }
  | { readonly kind: 'retry'; readonly member: string }
  | { readonly kind: 'held'; readonly worker: string; readonly field: string }
  /** @property entry the place of its entry */
  | { readonly kind: 'failed'; readonly entry: string }
  | { readonly kind: 'done'; readonly id: string };

const ELEMENT = /^(\d{1,15})~([0-9a-f-]+)~([\s\S]*)$/;

export function writePlace(place: JobPlace): string {
  switch (place.kind) {
    case 'queue':
    case 'delayed':
    case 'parked':
      return `${place.kind}~${place.element.position}~${place.element.mark}~${place.name}`;
    case 'retry':
      return `retry~${place.member}`;
    case 'held':
      return `held~${place.field.length}~${place.field}${place.worker}`;
    case 'failed':
      return `failed~${place.entry}`;
    case 'done':
      return `done~${place.id}`;
  }
}

/** @throws ConfigError for what is no place of a job */
export function readPlace(text: unknown): JobPlace {
  const place = typeof text === 'string' ? parse(text) : undefined;
  if (place) return place;
  throw new ConfigError(`The place of a job must be what client.jobs gave; got ${JSON.stringify(text)}.`);
}

function parse(text: string): JobPlace | undefined {
  const at = text.indexOf('~');
  const [kind, rest] = [text.slice(0, at), text.slice(at + 1)];
  if (kind === 'queue' || kind === 'delayed' || kind === 'parked') {
    const [, position, mark, name] = ELEMENT.exec(rest) ?? [];
    if (mark === undefined || name === undefined) return undefined;
    return { kind, name, element: { position: Number(position), mark, of: 'whole' } };
  }
  if (kind === 'retry') return { kind, member: rest };
  if (kind === 'failed') return { kind, entry: rest };
  if (kind === 'done') return { kind, id: rest };
  if (kind !== 'held') return undefined;
  const [, length, both] = /^(\d+)~([\s\S]*)$/.exec(rest) ?? [];
  if (both === undefined) return undefined;
  return { kind, field: both.slice(0, Number(length)), worker: both.slice(Number(length)) };
}
