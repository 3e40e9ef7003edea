// Two-dimensional convolution and the two products its gradients need. The three are bilinear in their inputs,
// and each one's gradients are the other two: differentiable to any order.
import { requireRank, requireSameDType, ShapeError } from '../shapes.js';
import type { Op, Shape, Value } from '../value.js';
import {
  type ConvAttributes,
  type ConvGeometry,
  type ConvGeometryOptions,
  type ConvGradientAttributes,
  convOutputSize,
  geometryOf,
} from '../window-geometry.js';
import {
  convInputGradientLayouts,
  convLayouts,
  convWeightGradientLayouts,
  lowerConv,
  lowerConvInputGradient,
  lowerConvWeightGradient,
} from '../lowering/conv.js';
import { sum } from './reduction.js';

/** Options of {@link conv2d}. */
export interface ConvOptions extends ConvGeometryOptions {
  /** [O], added to every output pixel. */
  readonly bias?: Value;
}

function check(op: string, inputs: readonly Value[], x: Shape, w: Shape, geometry: ConvGeometry): Shape {
  const [n, c, h, width] = x;
  const [o, perGroup, kh, kw] = w;
  const { groups } = geometry;
  if (c !== perGroup * groups || o % groups !== 0) {
    throw new ShapeError(
      op,
      inputs,
      `x [n, c, h, w] and weights [o, c / groups, kh, kw] with o divisible by ${groups} groups; c is ${c}, c / groups ${perGroup}, o ${o}`,
    );
  }
  const [oh, ow] = convOutputSize([h, width], [kh, kw], geometry);
  if (oh < 1 || ow < 1) throw new ShapeError(op, inputs, 'a kernel that fits into the padded picture');
  return [n, o, oh, ow];
}

const convOp: Op<ConvAttributes> = {
  name: 'conv2d',
  half: 'product',
  infer: (inputs, { geometry }) => {
    const [x, w, bias] = inputs;
    requireSameDType('conv2d', inputs);
    requireRank('conv2d', x, 4);
    requireRank('conv2d', w, 4);
    if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== w.shape[0])) {
      throw new ShapeError('conv2d', inputs, `a bias of [${w.shape[0]}]`);
    }
    return [{ dtype: x.dtype, shape: check('conv2d', inputs, x.shape, w.shape, geometry) }];
  },
  emit: lowerConv,
  inputLayouts: convLayouts,
  gradient: ({ inputs: [x, w], attributes: { geometry } }, [dy], needed) => [
    needed[0] ? convInputGradient(dy!, w, x.shape, geometry) : undefined,
    needed[1] ? convWeightGradient(x, dy!, w.shape, geometry) : undefined,
    needed[2] ? sum(dy!, { axes: [0, 2, 3] }) : undefined,
  ],
};

/**
 * Cross-correlation of x [n, c, h, w] with weights [o, c / groups, kh, kw] (what frameworks call convolution): [n, o, oh, ow].
 * @throws ShapeError when channels, groups or sizes do not fit.
 */
export function conv2d(x: Value, weights: Value, options: ConvOptions = {}): Value {
  const inputs = options.bias === undefined ? [x, weights] : [x, weights, options.bias];
  return x.graph.apply(convOp, inputs, { geometry: geometryOf(options) })[0];
}

const inputGradientOp: Op<ConvGradientAttributes> = {
  name: 'convInputGradient',
  half: 'product',
  infer: (inputs, { shape, geometry }) => {
    const [dy, w] = inputs;
    const expected = check('convInputGradient', inputs, shape, w.shape, geometry);
    if (expected.join() !== dy.shape.join())
      throw new ShapeError('convInputGradient', inputs, `dy of [${expected.join(', ')}]`);
    return [{ dtype: dy.dtype, shape }];
  },
  emit: lowerConvInputGradient,
  inputLayouts: convInputGradientLayouts,
  gradient: ({ inputs: [dy, w], attributes: { geometry } }, [g], needed) => [
    needed[0] ? conv(g!, w, geometry) : undefined,
    needed[1] ? convWeightGradient(g!, dy, w.shape, geometry) : undefined,
  ],
};

function conv(x: Value, w: Value, geometry: ConvGeometry): Value {
  return x.graph.apply(convOp, [x, w], { geometry })[0];
}

/** dLoss/dx [n, c, h, w] of a convolution, from dLoss/dy; also the transposed convolution. */
export function convInputGradient(dy: Value, weights: Value, shape: Shape, geometry: ConvGeometry): Value {
  return dy.graph.apply(inputGradientOp, [dy, weights], { geometry, shape: [...shape] })[0];
}

const weightGradientOp: Op<ConvGradientAttributes> = {
  name: 'convWeightGradient',
  half: 'sum',
  infer: (inputs, { shape, geometry }) => {
    const [x, dy] = inputs;
    const expected = check('convWeightGradient', inputs, x.shape, shape, geometry);
    if (expected.join() !== dy.shape.join())
      throw new ShapeError('convWeightGradient', inputs, `dy of [${expected.join(', ')}]`);
    return [{ dtype: x.dtype, shape }];
  },
  emit: lowerConvWeightGradient,
  inputLayouts: convWeightGradientLayouts,
  gradient: ({ inputs: [x, dy], attributes: { geometry } }, [g], needed) => [
    needed[0] ? convInputGradient(dy, g!, x.shape, geometry) : undefined,
    needed[1] ? conv(x, g!, geometry) : undefined,
  ],
};

/** dLoss/dweights [o, c / groups, kh, kw] of a convolution, from its input and dLoss/dy. */
export function convWeightGradient(x: Value, dy: Value, shape: Shape, geometry: ConvGeometry): Value {
  return x.graph.apply(weightGradientOp, [x, dy], { geometry, shape: [...shape] })[0];
}
