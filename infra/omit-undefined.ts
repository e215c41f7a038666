/** An object without the options that were not given: `undefined` neither reaches CDK nor hides a default. */
type OmitUndefined<T> = {
  readonly [key in keyof T as undefined extends T[key] ? never : key]: T[key];
} & {
  readonly [key in keyof T as undefined extends T[key] ? key : never]?: Exclude<T[key], undefined>;
};

export function omitUndefined<T extends object>(options: T): OmitUndefined<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as OmitUndefined<T>;
}
