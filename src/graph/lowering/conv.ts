// Which executable form a convolution and its gradients take.
import { constantOf } from '../ops/constant.js';
import type { ConvGeometry } from '../window-geometry.js';
import type { Emitter, Node, Shape, Value } from '../value.js';
import { bilinearConv, bilinearInputGradient, bilinearWeightGradient, isBilinear } from './winograd.js';
import { isUnrollable, unrolledConv, unrolledWeightGradient } from './im2col.js';
import { directConv, directInputGradient, tapWeightGradient } from './direct.js';

type ConvAttributes = Record<string, unknown> & { readonly geometry: ConvGeometry };
type GradientAttributes = ConvAttributes & { readonly shape: Shape };

/** Fewer channels than this make the transforms of the bilinear form dearer than what they save. */
const fewestChannels = 16;

/**
 * Weights that are constants meet the direct form with this many channels or fewer. The runtime then keeps pictures in its blocked
 * layout from one `Conv` to the next, at one and a half times the rate of matrix products, while the bilinear form moves each picture
 * through memory several times: at batch 32 on one core with AVX-512, 21, 24, 29 and 32 ms direct against 70, 26, 16 and 18 ms
 * for 64, 128, 256 and 512 channels. With weights that change, `Conv` has no such layout, and its gradients none at all.
 */
const mostDirectChannels = 128;

type Form = 'direct' | 'bilinear' | 'unrolled';

function formOf(emitter: Emitter, weights: Shape, geometry: ConvGeometry, weightsAre: 'constant' | 'changing'): Form {
  if (emitter.target.device !== 'cpu') return 'direct';
  const [o, c] = weights;
  if (weightsAre === 'constant' && c <= mostDirectChannels) return 'direct';
  if (isBilinear(weights, geometry) && o >= fewestChannels && c >= fewestChannels) return 'bilinear';
  return isUnrollable(geometry) && c < fewestChannels && o >= fewestChannels ? 'unrolled' : 'direct';
}

export function lowerConv(emitter: Emitter, node: Node<ConvAttributes>): void {
  const [x, w, bias] = node.inputs;
  const [y] = node.outputs;
  const { geometry } = node.attributes;
  const added = bias === undefined || isZero(bias) ? undefined : bias;
  const form = formOf(emitter, w.shape, geometry, constantOf(w) !== undefined ? 'constant' : 'changing');
  switch (form) {
    case 'direct':
      return directConv(emitter, node);
    case 'bilinear':
      return bilinearConv(emitter, x, w, y, geometry, added);
    case 'unrolled':
      return unrolledConv(emitter, x, w, y, geometry, added);
    default:
      return form satisfies never;
  }
}

/** A bias known to be zero (the frozen ones of the published network) costs no pass over memory. */
function isZero(bias: Value): boolean {
  const data = constantOf(bias)?.data;
  return data instanceof Float32Array && data.every((value) => value === 0);
}

export function lowerConvInputGradient(emitter: Emitter, node: Node<GradientAttributes>): void {
  const [dy, w] = node.inputs;
  const { geometry } = node.attributes;
  const form = formOf(emitter, w.shape, geometry, 'changing');
  switch (form) {
    case 'bilinear':
      return bilinearInputGradient(emitter, dy, w, node.outputs[0], geometry);
    case 'direct':
    case 'unrolled':
      return directInputGradient(emitter, node);
    default:
      return form satisfies never;
  }
}

export function lowerConvWeightGradient(emitter: Emitter, node: Node<GradientAttributes>): void {
  const [x, dy] = node.inputs;
  const [dw] = node.outputs;
  const { geometry, shape } = node.attributes;
  const form = formOf(emitter, shape, geometry, 'changing');
  switch (form) {
    case 'direct':
      return tapWeightGradient(emitter, node);
    case 'bilinear':
      return bilinearWeightGradient(emitter, x, dy, dw, geometry);
    case 'unrolled':
      return unrolledWeightGradient(emitter, x, dy, dw, geometry);
    default:
      return form satisfies never;
  }
}
