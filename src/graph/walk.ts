// The walk over a graph from its results to its inputs: which nodes they need, in which order, and what those read.
import { constantOf } from './constant.js';
import type { Node, Value } from './value.js';

/** What some values need. */
export interface Walk {
  /** The nodes that compute them, inputs before users: in order of creation. */
  readonly nodes: readonly Node[];
  /** The graph inputs that they depend on, and those of the values given that they do. */
  readonly inputs: ReadonlySet<Value>;
  /** The values themselves and everything that one of the nodes reads. */
  readonly used: ReadonlySet<Value>;
}

/** Walks from values to everything that they need; values that are `given` need nothing. */
export function walk(values: readonly Value[], given: ReadonlySet<Value> = new Set()): Walk {
  const nodes = new Set<Node>();
  const inputs = new Set<Value>();
  const used = new Set<Value>();
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    used.add(value);
    const node = value.producer;
    if (node === undefined || given.has(value)) inputs.add(value);
    else if (!nodes.has(node)) {
      nodes.add(node);
      open.push(...node.inputs);
    }
  }
  return { nodes: [...nodes].sort((a, b) => a.outputs[0].id - b.outputs[0].id), inputs, used };
}

/**
 * What `later` values read of what `earlier` ones compute: kept from a run for the earlier ones, it spares another for the later ones
 * from computing it again. Constants are not among it.
 */
export function valuesBetween(earlier: readonly Value[], later: readonly Value[]): Value[] {
  const first = new Set(walk(earlier).nodes);
  const computed = (value: Value) => value.producer !== undefined && first.has(value.producer);
  const read = walk(later).nodes.flatMap((node) => (first.has(node) ? [] : node.inputs));
  return [...new Set([...later, ...read])].filter((value) => computed(value) && constantOf(value) === undefined);
}
