import type { Effect } from '../types.ts';
import type { RetryCut } from '../wire/read-failed.ts';
import type { WrongKey } from './wrong-key.ts';

/**
 * A list of payloads or failed entries.
 * @property name of the queue; `failed` or `<queue>_failed`; the due time as the schedule has it; the gate at which jobs are parked
 */
export interface ListName {
  readonly kind: 'queue' | 'failed' | 'delayed' | 'parked';
  readonly name: string;
}

/** A place between two elements: it stays where it is while others push and take. */
export interface Between {
  /** Of what comes next, from the head. */
  readonly position: number;
  /** Marks of what came before it, and of what comes after it; the nearest first. */
  readonly passed: readonly string[];
  readonly next: readonly string[];
}

export interface ListSearch {
  readonly towards: 'head' | 'tail';
  /** In the first list. @default its beginning: the tail where it goes towards the head */
  readonly from?: Between | undefined;
  /** Each of them is somewhere in what is found, byte by byte. */
  readonly texts: readonly string[];
  /** Leaves out failed entries that begin with a time that is not between these. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Most elements to look at. */
  readonly most: number;
  /** Most bytes of them. */
  readonly bytes: number;
  /** Most elements to find. */
  readonly limit: number;
}

export interface FoundElement {
  readonly list: ListName;
  readonly position: number;
  readonly bytes: Buffer;
}

export interface SearchResult {
  readonly found: readonly FoundElement[];
  readonly scanned: number;
  /** Of the list that was looked at last. */
  readonly length: number;
  /** Where to go on; undefined where everything was looked through. @property list its place among those given */
  readonly end: (Between & { readonly list: number }) | undefined;
  /** Bytes that were found. */
  readonly wrong: readonly WrongKey[];
}

/** One element of a list, whatever has gone from it since. */
export interface ElementRef {
  /** Where it was, from the head. */
  readonly position: number;
  readonly mark: string;
  /** What the mark is of: the whole element, or all but when it was retried. */
  readonly of: 'whole' | 'without';
  /**
   * Beside a mark of the whole: that without when it was retried. What has this one alone was retried meanwhile, and is
   * gone.
   */
  readonly without?: string;
}

export type ElementChange = ElementRef &
  (
    | { readonly to: 'nowhere'; readonly effects?: readonly Effect[] }
    /** The first of its list. */
    | { readonly to: 'head' }
    /** From where it is parked to the first place of its queue, where its gate lets it through. @property prefix bytes before its payload */
    | { readonly to: 'start'; readonly gate: string; readonly queue: string; readonly prefix: number }
    /** It stays, and its payload goes to this queue. */
    | { readonly to: 'queue'; readonly queue: string; readonly cut: RetryCut; readonly effects?: readonly Effect[] }
  );

/** What looks at the elements of lists wherever they are, and changes them. */
export interface ListsBroker {
  search(lists: readonly ListName[], search: ListSearch): Promise<SearchResult>;
  /** @returns undefined if it is gone */
  read(list: ListName, element: ElementRef): Promise<FoundElement | undefined>;
  /**
   * Each on its own, but together in few steps.
   * @param length of the list when they were read: then what has moved further than others have gone since counts as
   * gone, lest many that are gone are each looked for in all of the list
   * @returns for each whether it was still there
   * @throws RedisTypeError where a key does not take what it should; that element stays
   */
  change(list: ListName, changes: readonly ElementChange[], length?: number): Promise<boolean[]>;
}
