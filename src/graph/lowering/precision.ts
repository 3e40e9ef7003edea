// In which precision a node computes. A graph speaks of float32 alone; for a target of half precision an emitted model holds pictures as
// float16 between ops that like them so, the way it holds them in another layout: what speaks of numbers is the graph, what stores them is
// the model.

/** How a model holds a float32 value of the graph. */
export type Precision = 'float32' | 'float16';

/** What an op does for a target of half precision; one that says nothing computes in float32. */
export type HalfForm =
  /** Products of pictures with filters: in float16, which is where the work is. */
  | 'product'
  /** Products that end in sums over many: in float16 where an input lies in it, and the result is float32. */
  | 'sum'
  /** Element by element: in float16 where an input as large as the result was computed in it. */
  | 'elementwise';

/** In which precision a node takes its float32 inputs, and gives its float32 outputs. */
export interface NodePrecision {
  readonly inputs: Precision;
  readonly outputs: Precision;
}
