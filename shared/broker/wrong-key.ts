/** A key that is not what it should be: of another type, or with something in it that cannot be used. */
export interface WrongKey {
  readonly key: string;
  /** Redis's own words, or what is wrong. */
  readonly error: string;
}
