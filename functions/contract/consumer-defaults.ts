/** What a consumer has where its app does not say, and what `lambdesque cost` counts with where there is no app. */
export const consumerDefaults = {
  maxWorkers: 2,
  /** MB. */
  memory: 512,
} as const;
