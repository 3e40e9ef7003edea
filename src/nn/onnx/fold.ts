// Nodes whose inputs are all known are computed while reading: chains of Shape, Gather, Concat and arithmetic that make shapes.
import type { Call } from './operand.js';
import { DataType, tensorNumbers } from '../../graph/onnx/index.js';
import { broadcastShape, sizeOf } from '../../graph/index.js';
import { axisOf, broadcastAt, generate, integers, type Known } from './known.js';
import { reducedAxes, sliceRanges, squeezedShape, unsqueezedShape } from './shape-rules.js';

/** A rule that computes known outputs from known inputs. */
type Fold = (call: Call, inputs: readonly Known[]) => Known;

const typeOf = (inputs: readonly Known[]): Known['type'] =>
  inputs.some(({ type }) => type === 'float') ? 'float' : 'integer';

function elementwise(f: (...numbers: number[]) => number, type?: Known['type']): Fold {
  return (call, inputs) => {
    const shape = inputs.map((input) => input.shape).reduce((a, b) => broadcast(call, a, b));
    const result = type ?? typeOf(inputs);
    bounded(call, shape);
    return generate(result, shape, (index) => f(...inputs.map((input) => broadcastAt(input, index))));
  };
}

function broadcast(call: Call, a: readonly number[], b: readonly number[]): readonly number[] {
  const shape = broadcastShape(a, b);
  if (shape === undefined) throw call.wrong(`shapes [${a.join(', ')}] and [${b.join(', ')}]`);
  return shape;
}

/** Division of integers rounds towards zero. */
const divide: Fold = (call, inputs) =>
  typeOf(inputs) === 'integer'
    ? elementwise((a, b) => Math.trunc(a / b))(call, inputs)
    : elementwise((a, b) => a / b)(call, inputs);

const gather: Fold = (call, [data, indices]) => {
  const axis = axisOf(call.attributes.int('axis', 0), data.shape.length);
  const lead = data.shape.slice(0, axis);
  const shape = [...lead, ...indices.shape, ...data.shape.slice(axis + 1)];
  bounded(call, shape);
  return generate(data.type, shape, (index) => {
    const at = broadcastAt(indices, index.slice(axis, axis + indices.shape.length));
    const own = [...index.slice(0, axis), axisOf(at, data.shape[axis]), ...index.slice(axis + indices.shape.length)];
    return broadcastAt(data, own);
  });
};

const concat: Fold = (call, inputs) => {
  const axis = axisOf(call.attributes.int('axis', 0), inputs[0].shape.length);
  const total = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
  const shape = inputs[0].shape.map((dim, i) => (i === axis ? total : dim));
  return generate(typeOf(inputs), shape, (index) => {
    let at = index[axis];
    for (const input of inputs) {
      if (at < input.shape[axis]) return broadcastAt(input, index.with(axis, at));
      at -= input.shape[axis];
    }
    return NaN;
  });
};

const slice: Fold = (call, [data]) => {
  const { axes, starts, ends, steps } = sliceRanges(call, data.shape);
  const ranges = data.shape.map((dim, axis) => {
    const i = axes.indexOf(axis);
    return i < 0
      ? { start: 0, step: 1, count: dim }
      : { start: starts[i], step: steps[i], count: Math.max(0, Math.ceil((ends[i] - starts[i]) / steps[i])) };
  });
  const shape = ranges.map(({ count }) => count);
  return generate(data.type, shape, (index) =>
    broadcastAt(
      data,
      index.map((at, axis) => ranges[axis].start + at * ranges[axis].step),
    ),
  );
};

const unsqueeze: Fold = (call, [data]) => ({ ...data, shape: unsqueezedShape(call, data.shape) });

const squeeze: Fold = (call, [data]) => ({ ...data, shape: squeezedShape(call, data.shape) });

const reshape: Fold = (_, [data, target]) => {
  const fixed = target.data.map((dim, axis) => (dim === 0 ? data.shape[axis] : dim));
  const rest = sizeOf(fixed.filter((dim) => dim !== -1));
  return { ...data, shape: fixed.map((dim) => (dim === -1 ? data.data.length / rest : dim)) };
};

const flatten: Fold = (call, [data]) => {
  const axis = axisOf(call.attributes.int('axis', 1), data.shape.length);
  return { ...data, shape: [sizeOf(data.shape.slice(0, axis)), sizeOf(data.shape.slice(axis))] };
};

const transpose: Fold = (call, [data]) => {
  const rank = data.shape.length;
  const order = call.attributes.ints('perm', undefined) ?? data.shape.map((_, i) => rank - 1 - i);
  return generate(
    data.type,
    order.map((axis) => data.shape[axis]),
    (index) =>
      broadcastAt(
        data,
        data.shape.map((_, axis) => index[order.indexOf(axis)]),
      ),
  );
};

/** Elements of a constant that is made of one number; more than this is no shape but a table. */
const mostElements = 2 ** 20;

function bounded(call: Call, shape: readonly number[]): void {
  if (shape.every((dim) => dim >= 0) && sizeOf(shape) <= mostElements) return;
  throw call.wrong(`a constant of [${shape.join(', ')}]`, `at most ${mostElements} elements`);
}

function filled(call: Call, value: Known, shape: readonly number[]): Known {
  bounded(call, shape);
  return generate(value.type, shape, (index) => broadcastAt(value, index));
}

const range: Fold = (call, [start, limit, delta]) => {
  const count = Math.max(0, Math.ceil((limit.data[0] - start.data[0]) / delta.data[0]));
  if (!(count <= mostElements)) throw call.wrong(`a range of ${count} numbers`, `at most ${mostElements}`);
  const data = Array.from({ length: count }, (_, i) => start.data[0] + i * delta.data[0]);
  return { type: start.type, shape: [count], data };
};

const reduce =
  (f: (a: number, b: number) => number, start: number): Fold =>
  (call, [data]) => {
    const axes = reducedAxes(call, data.shape.length);
    if (axes === undefined) return data;
    const kept = data.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    const size = data.shape.map((dim, axis) => (axes.includes(axis) ? dim : 1));
    const reduced = generate(data.type, kept, (index) => {
      const along = generate(data.type, size, (own) =>
        broadcastAt(
          data,
          own.map((at, axis) => at + index[axis]),
        ),
      );
      return along.data.reduce((a, b) => f(a, b), start);
    });
    if (call.attributes.int('keepdims', 1) !== 0) return reduced;
    return { ...reduced, shape: kept.filter((_, axis) => !axes.includes(axis)) };
  };

/** ONNX element types whose numbers are integers here. */
const integerTypes: ReadonlySet<number> = new Set([
  ...[DataType.UINT8, DataType.INT8, DataType.UINT16, DataType.INT16, DataType.INT32],
  ...[DataType.INT64, DataType.BOOL, DataType.UINT32, DataType.UINT64],
]);

const folds: Readonly<Record<string, Fold>> = {
  Add: elementwise((a, b) => a + b),
  Sub: elementwise((a, b) => a - b),
  Mul: elementwise((a, b) => a * b),
  Div: divide,
  Mod: elementwise((a, b) => ((a % b) + b) % b),
  Pow: elementwise((a, b) => a ** b),
  Min: elementwise(Math.min),
  Max: elementwise(Math.max),
  Neg: elementwise((a) => -a),
  Abs: elementwise(Math.abs),
  Sqrt: elementwise(Math.sqrt),
  Exp: elementwise(Math.exp),
  Log: elementwise(Math.log),
  Reciprocal: elementwise((a) => 1 / a),
  Floor: elementwise(Math.floor),
  Ceil: elementwise(Math.ceil),
  Equal: elementwise((a, b) => Number(a === b), 'integer'),
  Greater: elementwise((a, b) => Number(a > b), 'integer'),
  Less: elementwise((a, b) => Number(a < b), 'integer'),
  Not: elementwise((a) => Number(a === 0), 'integer'),
  And: elementwise((a, b) => Number(a !== 0 && b !== 0), 'integer'),
  Or: elementwise((a, b) => Number(a !== 0 || b !== 0), 'integer'),
  Where: elementwise((condition, a, b) => (condition !== 0 ? a : b)),
  Cast: (call, [data]) => {
    const type = integerTypes.has(call.attributes.int('to', DataType.FLOAT)) ? 'integer' : 'float';
    return { type, shape: data.shape, data: type === 'integer' ? data.data.map(Math.trunc) : data.data };
  },
  Identity: (_, [data]) => data,
  Shape: (call, [data]) => shapeOf(call, data.shape),
  Size: (_, [data]) => ({ type: 'integer', shape: [], data: [data.data.length] }),
  Gather: gather,
  Concat: concat,
  Slice: slice,
  Unsqueeze: unsqueeze,
  Squeeze: squeeze,
  Reshape: reshape,
  Transpose: transpose,
  Flatten: flatten,
  Range: range,
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceMax: reduce(Math.max, -Infinity),
  ReduceMin: reduce(Math.min, Infinity),
  Expand: (call, [data, shape]) => filled(call, data, broadcast(call, data.shape, shape.data)),
  Tile: (call, [data, repeats]) => {
    const shape = data.shape.map((dim, axis) => dim * repeats.data[axis]);
    const own = (index: readonly number[]): number[] => index.map((at, axis) => at % data.shape[axis]);
    bounded(call, shape);
    return generate(data.type, shape, (index) => broadcastAt(data, own(index)));
  },
};

/** The operators of nodes that can be computed here. */
export const foldable: ReadonlySet<string> = new Set([...Object.keys(folds), 'ConstantOfShape']);

/** The shape of something as Shape gives it; from opset 15 on a part of it may be asked for. */
export function shapeOf({ attributes }: Call, shape: readonly number[]): Known {
  const end = attributes.int('end', undefined);
  return integers(shape.slice(attributes.int('start', 0), end));
}

/** The node's outputs where all that it takes is known and it has a rule; else `undefined`. */
export function fold(call: Call): readonly Known[] | undefined {
  const { opType } = call.node;
  if (opType === 'ConstantOfShape') {
    const fill = call.attributes.tensor('value');
    const { type, data } =
      fill === undefined ? { type: 'float' as const, data: [0] } : tensorNumbers(fill, 'the model');
    return [filled(call, { type, shape: [], data: [data[0]] }, call.known(0).data)];
  }
  const rule = Object.hasOwn(folds, opType) ? folds[opType] : undefined;
  if (rule === undefined || call.count === 0) return undefined;
  const inputs: Known[] = [];
  for (let index = 0; index < call.count; index++) {
    if (!call.has(index)) continue;
    const operand = call.operand(index);
    if (operand.kind !== 'known') return undefined;
    inputs.push(operand.known);
  }
  return [rule(call, inputs)];
}
