// For tests: computes values of a small graph from plain arrays.
import { Graph, serialize, type Value } from '../graph/index.js';
import { float32, float32Data, int64, Session } from '../runtime/index.js';

/** Rows of numbers, or a single number. */
export type Numbers = readonly (readonly number[])[] | readonly number[] | number;

function shapeOf(numbers: Numbers): number[] {
  if (typeof numbers === 'number') return [];
  const [first] = numbers;
  return Array.isArray(first) ? [numbers.length, first.length] : [numbers.length];
}

/**
 * Feeds `inputs` (float32) and `labels` (int64) to the graph that `build` writes, runs it on the CPU, and gives its outputs.
 */
export async function graphValues<I extends string, O extends string>(
  inputs: Readonly<Record<I, Numbers>>,
  labels: readonly number[],
  build: (values: Record<I | 'labels', Value>, graph: Graph) => Record<O, Value>,
): Promise<Record<O, Float32Array>> {
  const graph = new Graph();
  const values = { labels: graph.input('labels', 'int64', [labels.length]) } as Record<I | 'labels', Value>;
  const feeds: Record<string, ReturnType<typeof float32>> = {};
  for (const [name, numbers] of Object.entries(inputs) as [I, Numbers][]) {
    const shape = shapeOf(numbers);
    values[name] = graph.input(name, 'float32', shape);
    feeds[name] = float32(Float32Array.from([numbers].flat(2) as number[]), shape);
  }
  await using session = await Session.create(serialize(graph, { outputs: build(values, graph) }), { threads: 1 });
  if (session.inputNames.includes('labels')) feeds.labels = int64(labels);
  const wanted = Object.fromEntries(Object.entries(feeds).filter(([name]) => session.inputNames.includes(name)));
  const outputs = await session.run(wanted);
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, float32Data(tensor)])) as Record<
    O,
    Float32Array
  >;
}
