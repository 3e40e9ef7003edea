// Where fetched weights are kept, as the functions take it that load them.

/** The folder of the weights, if it is not the cache, and who is told about fetching. */
export interface WeightsPlace {
  readonly models?: string;
  readonly log?: (line: string) => void;
}

/** The part of a function's options that says it. */
export function weightsPlace({ models, log }: WeightsPlace): WeightsPlace {
  return { ...(models === undefined ? {} : { models }), ...(log === undefined ? {} : { log }) };
}
