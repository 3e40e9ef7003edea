// Which layout a value is best kept in outside of the model, so that its readers need not transpose it at every run.
import type { Value } from '../value.js';
import type { Layout } from './layout.js';
import type { Target } from './target.js';

/**
 * The layout in which the ops that read a value take it on a target: the first one that is not the standard, in the order in which
 * they were applied. Ask when the graph is complete, gradients included. The gradient of a value comes out in the same layout.
 */
export function preferredLayout(value: Value, target: Target): Layout {
  for (const node of value.readers) {
    const layouts = node.op.inputLayouts?.(node, target) ?? [];
    const layout = layouts.find((layout, i) => node.inputs[i] === value && layout !== 'standard');
    if (layout !== undefined) return layout;
  }
  return 'standard';
}
