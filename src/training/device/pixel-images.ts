// Images that are prepared on the device: their bytes go in as they are, and the step's graph does what the packer (images/packer.ts)
// does on the host. A quarter of the bytes is carried.
import {
  abs,
  add,
  affine,
  cast,
  clip,
  concat,
  div,
  expand,
  gatherElements,
  type Graph,
  mul,
  relu,
  reshape,
  scale,
  shift,
  slice,
  sub,
  type Value,
} from '../../graph/index.js';
import type { Augmentation, InputSpec, Variation } from '../../images/index.js';
import { float32, Tensor, type Tensors } from '../../runtime/index.js';
import type { BatchImages } from '../batch-images.js';

const pixelsName = 'pixels';
const variationsName = 'variations';

/** The numbers of an image's variation, as the graph takes them. */
const numbers = {
  /** 1 for a mirror image, else 0. */
  mirrored: ({ mirrored }: Variation) => Number(mirrored),
  shiftX: ({ shiftX }: Variation) => shiftX,
  shiftY: ({ shiftY }: Variation) => shiftY,
  gain: ({ gain }: Variation) => gain,
  offset: ({ offset }: Variation) => offset,
} as const;
type VariationNumber = keyof typeof numbers;

/** Those that can be anything but what leaves an image as it is. */
function varying({ mirror, shift: largest, light }: Augmentation): readonly VariationNumber[] {
  return [
    ...(mirror > 0 ? (['mirrored'] as const) : []),
    ...(largest > 0 ? (['shiftX', 'shiftY'] as const) : []),
    ...(light > 0 ? (['gain', 'offset'] as const) : []),
  ];
}

/** Bytes of the crops, and what is to be done with each: uint8 [n, h, w, 3] and float32 [n, numbers]. */
export class PixelImages implements BatchImages {
  readonly feeds: Tensors;
  private readonly pixels: Uint8Array;
  private readonly variations: Float32Array;
  private readonly varying: readonly VariationNumber[];
  private readonly stride: number;

  constructor({ width, height }: InputSpec, augmentation: Augmentation, count: number) {
    this.varying = varying(augmentation);
    this.stride = height * width * 3;
    this.pixels = new Uint8Array(count * this.stride);
    this.variations = new Float32Array(count * this.varying.length);
    this.feeds = {
      [pixelsName]: new Tensor('uint8', this.pixels, [count, height, width, 3]),
      ...(this.varying.length === 0
        ? {}
        : { [variationsName]: float32(this.variations, [count, this.varying.length]) }),
    };
  }

  write(crop: Uint8Array, variation: Variation, slot: number): void {
    this.pixels.set(crop, slot * this.stride);
    for (const [i, name] of this.varying.entries()) {
      this.variations[slot * this.varying.length + i] = numbers[name](variation);
    }
  }
}

/** The images [n, 3, h, w] of a network's input, from the inputs that {@link PixelImages} feeds. */
export function imagesFromPixels(graph: Graph, spec: InputSpec, augmentation: Augmentation, count: number): Value {
  const { width, height, channelOrder } = spec;
  const pixels = cast(graph.input(pixelsName, 'uint8', [count, height, width, 3]), 'float32');
  const names = varying(augmentation);
  const all = names.length === 0 ? undefined : graph.input(variationsName, 'float32', [count, names.length]);
  const given = (name: VariationNumber): Value | undefined => {
    const column = names.indexOf(name);
    if (all === undefined || column < 0) return undefined;
    return reshape(slice(all, { axes: [1], starts: [column], ends: [column + 1] }), [count, 1, 1, 1]);
  };
  // Moved after scaling: what comes in is 0 there.
  const scaled = scaledPixels(lit(pixels, given('gain'), given('offset')), spec);
  const planes = planesOf(moved(scaled, given('shiftY'), height), channelOrder);
  return turned(planes, given('mirrored'), given('shiftX'), width);
}

/** The light of each image: pixel → (pixel − 127.5) · gain + 127.5 + offset, within 0 … 255. */
function lit(pixels: Value, gain: Value | undefined, offset: Value | undefined): Value {
  if (gain === undefined || offset === undefined) return pixels;
  return clip(add(shift(mul(shift(pixels, -127.5), gain), 127.5), offset), 0, 255);
}

/** (pixel − mean) / scale, where the last axis is red, green and blue. */
function scaledPixels(pixels: Value, { channelOrder, mean, scale: scales }: InputSpec): Value {
  const perChannel = (values: readonly number[]): Value =>
    pixels.graph.constant(Float32Array.from(channelOrder === 'RGB' ? values : [...values].reverse()), [3]);
  return div(sub(pixels, perChannel(mean)), perChannel(scales));
}

/** x [n, h, w, 3] moved down; zeros come in. */
function moved(x: Value, by: Value | undefined, height: number): Value {
  if (by === undefined) return x;
  const [count, , width, channels] = x.shape;
  const from = sub(reshape(sequence(x, height), [1, height]), reshape(by, [count, 1]));
  const rows = taken(reshape(x, [count, height, width * channels]), 1, from);
  return reshape(mul(rows, reshape(inside(from), [count, height, 1])), x.shape);
}

/** The channels of x [n, h, w, 3], in their order: [n, 3, h, w]. In slices: on WebGPU a transpose of them takes many times as long. */
function planesOf(x: Value, order: InputSpec['channelOrder']): Value {
  const [count, height, width] = x.shape;
  const channels = order === 'RGB' ? [0, 1, 2] : [2, 1, 0];
  const planes = channels.map((channel) =>
    reshape(slice(x, { axes: [3], starts: [channel], ends: [channel + 1] }), [count, 1, height, width]),
  );
  return concat(planes, 1);
}

/** x [n, 3, h, w] with its columns from right to left where it is mirrored, moved to the right after that; zeros come in. */
function turned(x: Value, mirrored: Value | undefined, by: Value | undefined, width: number): Value {
  if (mirrored === undefined && by === undefined) return x;
  const [count, channels, height] = x.shape;
  const places = reshape(sequence(x, width), [1, width]);
  const before = by === undefined ? places : sub(places, reshape(by, [count, 1]));
  // width − 1 − x for a mirror image, else x: x + mirrored · (width − 1 − 2 x).
  const from =
    mirrored === undefined ? before : add(before, mul(reshape(mirrored, [count, 1]), affine(before, -2, width - 1)));
  const columns = taken(reshape(x, [count, channels * height, width]), 2, from);
  const filled = by === undefined ? columns : mul(columns, reshape(inside(from), [count, 1, width]));
  return reshape(filled, x.shape);
}

/** Along an axis of x [n, …, …], what is at the places `from` [n, size]; at the nearest where there is no such place. */
function taken(x: Value, axis: 1 | 2, from: Value): Value {
  const [count, size] = from.shape;
  const nearest = cast(clip(from, 0, size - 1), 'int32');
  const along = reshape(nearest, axis === 1 ? [count, size, 1] : [count, 1, size]);
  return gatherElements(x, expand(along, x.shape), axis);
}

/** 1 for a place 0 … size − 1, else 0. */
function inside(from: Value): Value {
  const middle = (from.shape[1] - 1) / 2;
  const beyond = relu(shift(abs(shift(from, -middle)), -middle));
  return relu(shift(scale(beyond, -1), 1));
}

function sequence({ graph }: Value, length: number): Value {
  return graph.constant(
    Float32Array.from({ length }, (_, i) => i),
    [length],
  );
}
