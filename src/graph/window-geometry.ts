// How windows move over a picture: the kernels of convolutions and the windows of poolings, and the sizes that come out.
import type { Shape } from './value.js';

/** `[vertical, horizontal]`. */
export type Pair = readonly [number, number];

const pairOf = (value: number | Pair): Pair => (typeof value === 'number' ? [value, value] : value);

/** What a convolution is applied with. */
export type ConvAttributes = Record<string, unknown> & { readonly geometry: ConvGeometry };
/** What a gradient of a convolution is applied with: the shape of what it is the gradient of, besides. */
export type ConvGradientAttributes = ConvAttributes & { readonly shape: Shape };

/** How a kernel moves over the picture, in full. */
export interface ConvGeometry {
  readonly stride: Pair;
  readonly dilation: Pair;
  /** Zeros around the picture: top, left, bottom, right. */
  readonly padding: readonly [number, number, number, number];
  readonly groups: number;
}

/** Options of a convolution's geometry; a single number stands for all sides. */
export interface ConvGeometryOptions {
  /** Default 1. */
  readonly stride?: number | Pair;
  /** Default 1. */
  readonly dilation?: number | Pair;
  /** Default 0. Four numbers: top, left, bottom, right. */
  readonly padding?: number | Pair | readonly [number, number, number, number];
  /** Default 1; equal to the channels: a depthwise convolution. */
  readonly groups?: number;
}

/** The full geometry behind the options. */
export function geometryOf({ stride = 1, dilation = 1, padding = 0, groups = 1 }: ConvGeometryOptions): ConvGeometry {
  const sides = typeof padding === 'number' ? ([padding, padding] as const) : padding;
  return {
    stride: pairOf(stride),
    dilation: pairOf(dilation),
    padding: sides.length === 4 ? sides : [sides[0], sides[1], sides[0], sides[1]],
    groups,
  };
}

/** Output size [height, width] for an input size and a kernel size. */
export function convOutputSize(input: Pair, kernel: Pair, { stride, dilation, padding }: ConvGeometry): Pair {
  const size = (axis: 0 | 1) =>
    Math.floor(
      (input[axis] + padding[axis] + padding[axis + 2] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis],
    ) + 1;
  return [size(0), size(1)];
}

export interface PoolOptions {
  readonly kernel: number | Pair;
  /** Default: the kernel's size. */
  readonly stride?: number | Pair;
  /** Default 0. */
  readonly padding?: number | Pair;
  /**
   * How to round the output size: `floor` drops windows that reach over the far edge, `ceil` keeps those that start inside
   * the picture (Caffe's rule). Default `floor`.
   */
  readonly rounding?: 'floor' | 'ceil';
}

/** How a pooling window moves over the picture, in full. */
export interface PoolGeometry extends Record<string, unknown> {
  readonly kernel: Pair;
  readonly stride: Pair;
  /** Above and below; left and right. */
  readonly padding: Pair;
  readonly rounding: 'floor' | 'ceil';
}

/** The full geometry behind the options. */
export function poolGeometryOf({
  kernel,
  stride = kernel,
  padding = 0,
  rounding = 'floor',
}: PoolOptions): PoolGeometry {
  return { kernel: pairOf(kernel), stride: pairOf(stride), padding: pairOf(padding), rounding };
}

/** Output size [height, width] of a pooling of pictures [n, c, h, w]. */
export function poolOutputSize([, , h, w]: Shape, { kernel, stride, padding, rounding }: PoolGeometry): Pair {
  const round = rounding === 'ceil' ? Math.ceil : Math.floor;
  const size = (input: number, axis: 0 | 1): number => {
    const count = round((input + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
    return (count - 1) * stride[axis] >= input + padding[axis] ? count - 1 : count;
  };
  return [size(h, 0), size(w, 1)];
}
