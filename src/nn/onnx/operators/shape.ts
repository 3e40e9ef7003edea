// Ops that move, split, join or repeat elements.
import {
  concat,
  expand,
  flatten,
  gather,
  pad,
  reshape,
  shift,
  sizeOf,
  slice,
  transpose,
  type Value,
} from '../../../graph/index.js';
import { DataType } from '../../../graph/onnx/index.js';
import { shapeOf } from '../fold.js';
import { axisOf, type Known } from '../known.js';
import type { Call, Operator } from '../operand.js';
import { sliceRanges, squeezedShape, unsqueezedShape } from '../shape-rules.js';

/** A first dimension that the model's author fixed to the number of images becomes the number it is built for. */
function rebatched({ context: { batch } }: Call, shape: readonly number[]): readonly number[] {
  return batch.stated !== undefined && shape[0] === batch.stated ? [batch.built, ...shape.slice(1)] : shape;
}

const reshaped: Operator = (call) => {
  const x = call.value(0);
  const keep = call.attributes.int('allowzero', 0) === 0;
  const given = call.known(1).data.map((dim, axis) => (dim === 0 && keep ? x.shape[axis] : dim));
  const fits = (shape: readonly number[]): boolean => {
    const known = sizeOf(shape.filter((dim) => dim !== -1));
    return shape.includes(-1) ? x.size % known === 0 : known === x.size;
  };
  const shape = fits(given) && given[0] !== call.context.batch.stated ? given : rebatched(call, given);
  if (!fits(shape)) throw call.wrong(`[${x.shape.join(', ')}] as [${given.join(', ')}]`, 'the same number of elements');
  return [reshape(x, shape)];
};

const squeezed: Operator = (call) => {
  const x = call.value(0);
  return [reshape(x, squeezedShape(call, x.shape))];
};

const unsqueezed: Operator = (call) => {
  const x = call.value(0);
  return [reshape(x, unsqueezedShape(call, x.shape))];
};

/** Parts along an axis: of given lengths, or as many equal ones as the node has outputs. */
const split: Operator = (call) => {
  const x = call.value(0);
  const axis = axisOf(call.attributes.int('axis', 0), x.rank);
  const parts = call.node.output.length;
  const equal = Math.ceil(x.shape[axis] / parts);
  const lengths = call.optional(1) ?? call.attributes.ints('split', undefined) ?? Array<number>(parts).fill(equal);
  let start = 0;
  return lengths.slice(0, parts).map((length) => {
    const end = Math.min(start + length, x.shape[axis]);
    const part = slice(x, { axes: [axis], starts: [start], ends: [end] });
    start = end;
    return part;
  });
};

const sliced: Operator = (call) => {
  const x = call.value(0);
  return [slice(x, sliceRanges(call, x.shape))];
};

/** Entries along an axis, at known indices. */
const gathered: Operator = (call) => {
  const x = call.value(0);
  const indices = call.known(1);
  const axis = axisOf(call.attributes.int('axis', 0), x.rank);
  const at = indices.data.map((index) => axisOf(index, x.shape[axis]));
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  if (at.every((index, i) => index === at[0] + i))
    return [reshape(slice(x, { axes: [axis], starts: [at[0]], ends: [at[0] + at.length] }), shape)];
  const order = [axis, ...x.shape.flatMap((_, other) => (other === axis ? [] : [other]))];
  const rows = gather(transpose(x, order), x.graph.indices(at));
  return [
    reshape(
      transpose(
        rows,
        order.map((_, i) => order.indexOf(i)),
      ),
      shape,
    ),
  ];
};

const joined: Operator = (call) => {
  const parts = Array.from({ length: call.count }, (_, index) => call.value(index));
  return [concat(parts, call.attributes.int('axis', 0))];
};

const flattened: Operator = (call) => {
  const x = call.value(0);
  return [flatten(x, axisOf(call.attributes.int('axis', 1), x.rank))];
};

const transposed: Operator = (call) => {
  const x = call.value(0);
  return [transpose(x, call.attributes.ints('perm', undefined))];
};

const expanded: Operator = (call) => {
  const x = call.value(0);
  const shape = rebatched(call, call.known(1).data);
  const rank = Math.max(x.rank, shape.length);
  const aligned = (dims: readonly number[]) => [...Array<number>(rank - dims.length).fill(1), ...dims];
  const [own, target] = [aligned(x.shape), aligned(shape)];
  return [
    expand(
      x,
      own.map((dim, axis) => Math.max(dim, target[axis])),
    ),
  ];
};

/** A tensor is repeated for each image or patch, not more often. */
const mostRepeats = 2 ** 12;

const tiled: Operator = (call) => {
  const x = call.value(0);
  const repeats = call.known(1).data;
  if (repeats.some((count) => !(count >= 1 && count <= mostRepeats)))
    throw call.wrong(`repeats ${repeats.join(', ')}`, `1 to ${mostRepeats}`);
  return [repeats.reduce((y, count, axis) => concat(Array<Value>(count).fill(y), axis), x)];
};

/** Constant padding; `edge` and `reflect` are not differentiable ops of the graph. */
const padded: Operator = (call) => {
  const x = call.value(0);
  const mode = call.attributes.text('mode', 'constant');
  if (mode !== 'constant') throw call.wrong(`mode ${mode}`, 'mode constant');
  const [pads, number] =
    call.opset >= 11
      ? [call.known(1).data, call.optional(2)?.[0] ?? 0]
      : [call.attributes.ints('pads', []), call.attributes.float('value', 0)];
  const axes = (call.opset >= 18 ? call.optional(3) : undefined)?.map((axis) => axisOf(axis, x.rank));
  const sides = (offset: number): number[] =>
    x.shape.map((_, axis) => {
      const place = axes === undefined ? axis : axes.indexOf(axis);
      return place < 0 ? 0 : pads[place + offset];
    });
  const [before, after] = [sides(0), sides(axes?.length ?? x.rank)];
  if ([...before, ...after].some((side) => side < 0)) throw call.wrong('a negative padding', 'elements to add');
  return [shift(pad(shift(x, -number), { before, after }), number)];
};

const identity: Operator = (call) => [call.value(0)];

/** The number of images is known too: a network is built for one. */
const shape: Operator = (call): readonly [Known] => {
  const operand = call.operand(0);
  return [shapeOf(call, operand.kind === 'stored' ? operand.stored.shape : call.value(0).shape)];
};

/** ONNX's number for it; no tensor of it is read. */
const bfloat16 = 16;

/** ONNX element types that are floating-point: all are float32 here. */
const floatingTypes: ReadonlySet<number> = new Set([DataType.FLOAT, DataType.FLOAT16, DataType.DOUBLE, bfloat16]);

const casted: Operator = (call) => {
  const to = call.attributes.int('to', DataType.FLOAT);
  if (!floatingTypes.has(to)) throw call.wrong(`features cast to element type ${to}`, 'a floating-point type');
  return [call.value(0)];
};

export const shapeOperators: Readonly<Record<string, Operator>> = {
  Reshape: reshaped,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Flatten: flattened,
  Transpose: transposed,
  Concat: joined,
  Split: split,
  Slice: sliced,
  Gather: gathered,
  Expand: expanded,
  Tile: tiled,
  Pad: padded,
  Identity: identity,
  Shape: shape,
  Cast: casted,
};
