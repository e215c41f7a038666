import { RedisTypeError } from '../errors.ts';

/** A key that is not what it should be: of another type, or with something in it that cannot be used. */
export interface WrongKey {
  readonly key: string;
  /** Redis's own words, or what is wrong. */
  readonly error: string;
}

/** What Redis answers; null where the key is of another type, in which there is nothing to be seen. */
export async function orNothing<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RedisTypeError) return null;
    throw error;
  }
}
