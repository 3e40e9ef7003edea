// Which executable form a convolution and its gradients take.
import { constantOf } from '../constant.js';
import type { ConvAttributes, ConvGeometry, ConvGradientAttributes } from '../window-geometry.js';
import { type Emitter, type Node, type Shape, sizeOf, type Value } from '../value.js';
import { type Layout, pictureLayout } from './layout.js';
import type { Target } from './target.js';
import { isBilinear } from './winograd-plan.js';
import { bilinearConv, bilinearInputGradient, bilinearWeightGradient } from './winograd.js';
import { isUnrollable, unrolledConv, unrolledWeightGradient } from './im2col.js';
import {
  directConv,
  directInputGradient,
  isTurnable,
  tapWeightGradient,
  transposedInputGradient,
  turnedInputGradient,
} from './direct.js';
import {
  depthwiseConv,
  depthwiseInputGradient,
  depthwiseWeightGradient,
  hasDepthwiseInputGradient,
  isDepthwise,
} from './depthwise.js';
import { type Applied, meetsDepthwise } from './depthwise-neighbours.js';
import { batchWeightGradient, convolutionWeightGradient } from './whole-batch.js';
import { hasWindowsGradient, windowsWeightGradient } from './windows.js';

/** Fewer channels than this make the transforms of the bilinear form cost more than they save. */
const fewestChannels = 16;

/**
 * Weights that are constants meet the direct form with this many channels or fewer. The runtime then keeps pictures in its blocked
 * layout from one `Conv` to the next, at one and a half times the rate of matrix products, while the bilinear form moves each picture
 * through memory several times: at batch 32 on one core with AVX-512, 21, 24, 29 and 32 ms direct against 70, 26, 16 and 18 ms
 * for 64, 128, 256 and 512 channels. With weights that change, `Conv` has no such layout, and its gradients none at all.
 */
const mostDirectChannels = 128;

type Form = 'direct' | 'bilinear' | 'unrolled';

/** @param convolution the convolution itself, also where the form of a gradient of it is asked for; absent where a graph has gradients alone. */
function formOf(
  target: Target,
  weights: Shape,
  geometry: ConvGeometry,
  weightsAre: 'constant' | 'changing',
  convolution: Applied | undefined,
): Form {
  if (target.device !== 'cpu' || geometry.groups > 1) return 'direct';
  const [o, c] = weights;
  if (isPlain(weights) && convolution !== undefined && meetsDepthwise(convolution)) return 'direct';
  if (weightsAre === 'constant' && c <= mostDirectChannels) return 'direct';
  if (isBilinear(weights, geometry) && o >= fewestChannels && c >= fewestChannels) return 'bilinear';
  return isUnrollable(geometry) && c < fewestChannels && o >= fewestChannels ? 'unrolled' : 'direct';
}

/** Whether a convolution is as fast in the standard layout: one of pixels with each other, or of a picture of few channels. */
const isPlain = ([, c, kh, kw]: Shape): boolean => kh * kw === 1 || c < fewestChannels;

/** The convolution to which a gradient belongs. */
function convolutionOf(readers: readonly Node[], weights: Shape, geometry: ConvGeometry): Node | undefined {
  return readers.find(
    ({ op, inputs, attributes }) =>
      op.name === 'conv2d' && inputs[1].shape.join() === weights.join() && sameGeometry(attributes.geometry, geometry),
  );
}

const sameGeometry = (a: unknown, b: ConvGeometry): boolean => JSON.stringify(a) === JSON.stringify(b);

/** How a form reads the picture of a convolution, its weights, and the gradient of its result; that of a bias does not matter. */
function layoutsOf(form: Form, pictures: { readonly x: Shape; readonly y: Shape }) {
  switch (form) {
    case 'direct':
      return { x: 'standard', w: 'standard', dy: 'standard' } as const;
    case 'bilinear':
      return { x: pictureLayout(pictures.x), w: 'hwio', dy: pictureLayout(pictures.y) } as const;
    case 'unrolled':
      return { x: 'chwn', w: 'hwio', dy: pictureLayout(pictures.y) } as const;
    default:
      return form satisfies never;
  }
}

function convForm(node: Node<ConvAttributes>, target: Target): Form {
  const [, w] = node.inputs;
  return formOf(target, w.shape, node.attributes.geometry, constantOf(w) !== undefined ? 'constant' : 'changing', node);
}

function inputGradientForm(
  { inputs: [, w], attributes: { geometry } }: Node<ConvGradientAttributes>,
  target: Target,
): 'direct' | 'bilinear' {
  const convolution = convolutionOf(w.readers, w.shape, geometry);
  return formOf(target, w.shape, geometry, 'changing', convolution) === 'bilinear' ? 'bilinear' : 'direct';
}

function weightGradientForm(
  { inputs: [x], attributes: { geometry, shape } }: Node<ConvGradientAttributes>,
  target: Target,
): Form {
  return formOf(target, shape, geometry, 'changing', convolutionOf(x.readers, shape, geometry));
}

/** How the convolution reads its picture and its weights. */
export function convLayouts(node: Node<ConvAttributes>, target: Target): readonly Layout[] {
  const { x, w } = layoutsOf(convForm(node, target), { x: node.inputs[0].shape, y: node.outputs[0].shape });
  return [x, w];
}

/** How the gradient of the picture reads that of the result and the weights. */
export function convInputGradientLayouts(node: Node<ConvGradientAttributes>, target: Target): readonly Layout[] {
  const { dy, w } = layoutsOf(inputGradientForm(node, target), { x: node.outputs[0].shape, y: node.inputs[0].shape });
  return [dy, w];
}

/** How the gradient of the weights reads the picture and the gradient of the result. */
export function convWeightGradientLayouts(node: Node<ConvGradientAttributes>, target: Target): readonly Layout[] {
  const { x, dy } = layoutsOf(weightGradientForm(node, target), { x: node.inputs[0].shape, y: node.inputs[1].shape });
  return [x, dy];
}

export function lowerConv(emitter: Emitter, node: Node<ConvAttributes>): void {
  const [x, w, bias] = node.inputs;
  const [y] = node.outputs;
  const { geometry } = node.attributes;
  const added = bias === undefined || isZero(bias) ? undefined : bias;
  const form = convForm(node, emitter.target);
  switch (form) {
    case 'direct':
      return emitter.target.device === 'cpu' && isChangingDepthwise(node)
        ? changingDepthwiseConv(emitter, node)
        : directConv(emitter, node);
    case 'bilinear':
      return bilinearConv(emitter, x, w, y, geometry, added);
    case 'unrolled':
      return unrolledConv(emitter, x, w, y, geometry, added);
    default:
      return form satisfies never;
  }
}

/** Whether each channel has a filter of its own that changes; those that are constant the engine orders by itself. */
function isChangingDepthwise({ inputs: [, w], attributes: { geometry } }: Node<ConvAttributes>): boolean {
  return isDepthwise(w.shape, geometry) && constantOf(w) === undefined;
}

function changingDepthwiseConv(emitter: Emitter, { inputs, outputs: [y], attributes }: Node<ConvAttributes>): void {
  const { stride, dilation, padding, groups } = attributes.geometry;
  const names = inputs.map((input) => emitter.nameOf(input));
  const geometry = { strides: stride, dilations: dilation, pads: padding };
  const kernel = inputs[1].shape.slice(2);
  depthwiseConv(emitter, names, { ...geometry, group: groups, kernel_shape: kernel }, emitter.nameOf(y));
}

/** A bias known to be zero (the frozen ones of the published network) costs no pass over memory. */
function isZero(bias: Value): boolean {
  const data = constantOf(bias)?.data;
  return data instanceof Float32Array && data.every((value) => value === 0);
}

export function lowerConvInputGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const [dy, w] = node.inputs;
  const form = inputGradientForm(node, emitter.target);
  switch (form) {
    case 'bilinear':
      return bilinearInputGradient(emitter, dy, w, node.outputs[0], node.attributes.geometry);
    case 'direct':
      if (emitter.target.device !== 'cpu') return gpuInputGradient(emitter, node);
      return takesDepthwiseInputGradient(node)
        ? depthwiseInputGradient(emitter, dy, w, node.outputs[0], node.attributes.geometry)
        : directInputGradient(emitter, node);
    default:
      return form satisfies never;
  }
}

function gpuInputGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const [dy, w] = node.inputs;
  if (!isTurnable(w.shape, node.attributes.geometry)) return transposedInputGradient(emitter, node);
  const form = emitter.choose(['turned', 'transposed'], caseOf(emitter, node, dy, w.shape));
  switch (form) {
    case 'turned':
      return turnedInputGradient(emitter, node);
    case 'transposed':
      return transposedInputGradient(emitter, node);
    default:
      return form satisfies never;
  }
}

function takesDepthwiseInputGradient({
  inputs: [dy, w],
  attributes: { geometry, shape },
}: Node<ConvGradientAttributes>) {
  return isDepthwise(w.shape, geometry) && hasDepthwiseInputGradient(shape, w.shape, dy.shape, geometry);
}

/** Which form is the fastest depends on the device: how many products it can do side by side, and what a launch costs it. */
function gpuWeightGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const { geometry, shape } = node.attributes;
  // Half precision would not carry a sum over all pictures.
  if (geometry.groups > 1 || emitter.precision === 'float16') return tapWeightGradient(emitter, node);
  const form = emitter.choose(['pictures', 'batch', 'convolution'], caseOf(emitter, node, node.inputs[1], shape));
  switch (form) {
    case 'pictures':
      return tapWeightGradient(emitter, node);
    case 'batch':
      return batchWeightGradient(emitter, node);
    case 'convolution':
      return convolutionWeightGradient(emitter, node);
    default:
      return form satisfies never;
  }
}

/** What a gradient is to those who measure it. @param dy the gradient of the result. @param w the shape of the weights. */
function caseOf({ precision }: Emitter, node: Node<ConvGradientAttributes>, dy: Value, w: Shape) {
  const shapes = [...node.inputs, ...node.outputs].map(({ shape }) => shape.join('x'));
  return {
    key: [node.op.name, precision, ...shapes, JSON.stringify(node.attributes.geometry)].join(' '),
    work: dy.size * sizeOf(w.slice(1)),
  };
}

export function lowerConvWeightGradient(emitter: Emitter, node: Node<ConvGradientAttributes>): void {
  const [x, dy] = node.inputs;
  const [dw] = node.outputs;
  const { geometry } = node.attributes;
  const form = weightGradientForm(node, emitter.target);
  switch (form) {
    case 'direct':
      if (emitter.target.device !== 'cpu') return gpuWeightGradient(emitter, node);
      if (isDepthwise(dw.shape, geometry)) return depthwiseWeightGradient(emitter, x, dy, dw, geometry);
      if (hasWindowsGradient(dw.shape, geometry)) return windowsWeightGradient(emitter, x, dy, dw, geometry);
      return tapWeightGradient(emitter, node);
    case 'bilinear':
      return bilinearWeightGradient(emitter, x, dy, dw, geometry);
    case 'unrolled':
      return unrolledWeightGradient(emitter, x, dy, dw, geometry);
    default:
      return form satisfies never;
  }
}
