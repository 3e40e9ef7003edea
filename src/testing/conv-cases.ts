// Convolutions as op cases: the convolution itself, with a bias, and the two products of its gradients, each with its naive reference.
import { conv2d, type ConvGeometry, convInputGradient, convOutputSize, convWeightGradient } from '../graph/index.js';
import { convInputGradientReference, convReference, convWeightGradientReference } from './conv-reference.js';
import { at, tabulate, uniform } from './nd-array.js';
import type { OpCase } from './op-suite.js';

/** Shapes and geometry of a convolution, and a number for its data. */
export interface ConvSetting {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly geometry: ConvGeometry;
  readonly seed: number;
}

function titleOf({ x, w, geometry }: ConvSetting): string {
  return `x [${x.join()}], w [${w.join()}], stride ${geometry.stride.join()}, dilation ${geometry.dilation.join()}, padding ${geometry.padding.join()}, groups ${geometry.groups}`;
}

function outputShape({ x, w, geometry }: ConvSetting): number[] {
  return [x[0], w[0], ...convOutputSize([x[2], x[3]], [w[2], w[3]], geometry)];
}

/** y = x * w. */
export function convCase(setting: ConvSetting): OpCase {
  const { x, w, geometry, seed } = setting;
  return {
    title: titleOf(setting),
    inputs: [uniform(x, seed), uniform(w, seed + 1)],
    build: (picture, weights) => conv2d(picture, weights, geometry),
    reference: (picture, weights) => convReference(picture, weights, geometry),
  };
}

/** y = x * w + bias. */
export function biasedConvCase(setting: ConvSetting): OpCase {
  const { x, w, geometry, seed } = setting;
  return {
    title: titleOf(setting),
    inputs: [uniform(x, seed), uniform(w, seed + 1), uniform([w[0]], seed + 2)],
    build: (picture, weights, bias) => conv2d(picture, weights, { ...geometry, bias }),
    reference: (picture, weights, bias) => {
      const y = convReference(picture, weights, geometry);
      return tabulate(y.shape, (index) => at(y, index) + bias.data[index[1]]);
    },
  };
}

/** dLoss/dx of dLoss/dy and w. */
export function inputGradientCase(setting: ConvSetting): OpCase {
  const { x, w, geometry, seed } = setting;
  return {
    title: titleOf(setting),
    inputs: [uniform(outputShape(setting), seed), uniform(w, seed + 1)],
    build: (dy, weights) => convInputGradient(dy, weights, x, geometry),
    reference: (dy, weights) => convInputGradientReference(dy, weights, x, geometry),
  };
}

/** dLoss/dw of x and dLoss/dy. */
export function weightGradientCase(setting: ConvSetting): OpCase {
  const { x, w, geometry, seed } = setting;
  return {
    title: titleOf(setting),
    inputs: [uniform(x, seed), uniform(outputShape(setting), seed + 1)],
    build: (picture, dy) => convWeightGradient(picture, dy, w, geometry),
    reference: (picture, dy) => convWeightGradientReference(picture, dy, w, geometry),
  };
}
