// How shapes follow from a node's axes, for tensors of the graph and for what is known alike.
import { axisOf } from './known.js';
import type { Call } from './operand.js';

/** The node's axes, counted from the front: an input since opset 13 (18 for most reductions), an attribute before; `undefined` where none are given. */
function axesOf(call: Call, rank: number): readonly number[] | undefined {
  const given = call.optional(1) ?? call.attributes.ints('axes', undefined);
  return given?.map((axis) => axisOf(axis, rank));
}

/** The axes that a reduction goes over: all where it names none, `undefined` where it then reduces nothing. */
export function reducedAxes(call: Call, rank: number): readonly number[] | undefined {
  const axes = axesOf(call, rank) ?? [];
  if (axes.length > 0) return axes;
  if (call.attributes.int('noop_with_empty_axes', 0) !== 0) return undefined;
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** A shape without the node's axes; without all of size 1 where it names none. */
export function squeezedShape(call: Call, shape: readonly number[]): number[] {
  const axes = axesOf(call, shape.length);
  return shape.filter((dim, axis) => (axes === undefined ? dim !== 1 : !axes.includes(axis)));
}

/** A shape with axes of size 1 where the node names them. */
export function unsqueezedShape(call: Call, shape: readonly number[]): number[] {
  const rank = shape.length + (call.optional(1) ?? call.attributes.ints('axes', [])).length;
  const axes = axesOf(call, rank) ?? [];
  const left = [...shape];
  return Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : left.shift()!));
}

/** What a Slice node takes: for each of `axes` a range within the shape. */
export interface SliceRanges {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

/** The ranges of a Slice node: inputs since opset 10, attributes before; negative and far too large bounds are those of the shape. */
export function sliceRanges(call: Call, shape: readonly number[]): SliceRanges {
  const { attributes } = call;
  const starts = call.optional(1) ?? attributes.ints('starts', []);
  const ends = call.optional(2) ?? attributes.ints('ends', []);
  const given = call.optional(3) ?? attributes.ints('axes', undefined) ?? starts.map((_, i) => i);
  const axes = given.map((axis) => axisOf(axis, shape.length));
  const steps = call.optional(4) ?? starts.map(() => 1);
  if (steps.some((step) => step < 1)) throw call.wrong(`steps of ${steps.join(', ')}`, 'steps of at least 1');
  const clamp = (at: number, i: number): number => {
    const dim = shape[axes[i]];
    return Math.min(Math.max(at < 0 ? at + dim : at, 0), dim);
  };
  return { axes, starts: starts.map(clamp), ends: ends.map(clamp), steps };
}
