// Which executable form a convolution and its gradients take.
import type { Emitter } from '../emitter.js';
import type { ConvGeometry } from '../ops/conv2d.js';
import type { Node, Shape } from '../value.js';
import { directConv, directInputGradient, tapWeightGradient } from './direct.js';

type ConvAttributes = Record<string, unknown> & { readonly geometry: ConvGeometry };
type GradientAttributes = ConvAttributes & { readonly shape: Shape };

export function lowerConv(emitter: Emitter, node: Node<ConvAttributes>): void {
  directConv(emitter, node);
}

export function lowerConvInputGradient(emitter: Emitter, node: Node<GradientAttributes>): void {
  directInputGradient(emitter, node);
}

export function lowerConvWeightGradient(emitter: Emitter, node: Node<GradientAttributes>): void {
  tapWeightGradient(emitter, node);
}
