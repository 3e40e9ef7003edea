// The walk over a graph from its results to its inputs: which nodes they need, in which order, and what those read.
import type { Node, Value } from './value.js';

/** What some values need. */
export interface Walk {
  /** The nodes that compute them, inputs before users: in order of creation. */
  readonly nodes: readonly Node[];
  /** The graph inputs that they depend on. */
  readonly inputs: ReadonlySet<Value>;
  /** The values themselves and everything that one of the nodes reads. */
  readonly used: ReadonlySet<Value>;
}

/** Walks from values to everything that they need. */
export function walk(values: readonly Value[]): Walk {
  const nodes = new Set<Node>();
  const inputs = new Set<Value>();
  const used = new Set<Value>();
  const open = [...values];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    used.add(value);
    const node = value.producer;
    if (node === undefined) inputs.add(value);
    else if (!nodes.has(node)) {
      nodes.add(node);
      open.push(...node.inputs);
    }
  }
  return { nodes: [...nodes].sort((a, b) => a.outputs[0].id - b.outputs[0].id), inputs, used };
}
