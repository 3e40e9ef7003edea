// Whether a convolution stands beside a depthwise one. Those are fast in the standard layout alone, so that the convolutions between them are
// computed there too: transposing every picture to and fro would take longer than everything else.
import type { ConvGeometry } from '../window-geometry.js';
import type { Node, Value } from '../value.js';
import { isDepthwise } from './depthwise.js';

/** A node of any attributes. */
export interface Applied {
  readonly op: { readonly name: string };
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** Follows values of one shape from the convolution's picture and result, through whatever is no convolution. */
export function meetsDepthwise(convolution: Applied): boolean {
  const { inputs, outputs } = convolution;
  const seen = new Set<Applied>([convolution]);
  const pending: Value[] = [inputs[0], outputs[0]];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const { shape, producer, readers } = value;
    for (const node of producer === undefined ? readers : [producer, ...readers]) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.op.name === convolution.op.name) {
        if (isDepthwise(node.inputs[1].shape, node.attributes.geometry as ConvGeometry)) return true;
        continue;
      }
      if (isGradientOfConvolution(node)) continue;
      const related = [...node.inputs, ...node.outputs].filter((other) => other.shape.join() === shape.join());
      pending.push(...related);
    }
  }
  return false;
}

const isGradientOfConvolution = ({ attributes }: Node): boolean => 'geometry' in attributes;
