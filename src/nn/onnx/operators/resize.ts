// Resize and Upsample of pictures [n, c, h, w]: nearest and linear, each a fixed matrix along either axis.
import { matmul, transpose, type Value } from '../../../graph/index.js';
import type { Call, Operator } from '../operand.js';

/** Where an output pixel's centre lies in the input, by ONNX's `coordinate_transformation_mode`. */
function coordinate(call: Call, mode: string, at: number, scale: number, input: number, output: number): number {
  switch (mode) {
    case 'half_pixel':
      return (at + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return output > 1 ? (at + 0.5) / scale - 0.5 : 0;
    case 'align_corners':
      return output > 1 ? (at * (input - 1)) / (output - 1) : 0;
    case 'asymmetric':
      return at / scale;
    default:
      throw call.wrong(
        `coordinate_transformation_mode ${mode}`,
        'half_pixel, pytorch_half_pixel, align_corners or asymmetric',
      );
  }
}

function nearest(call: Call, rounding: string, at: number): number {
  switch (rounding) {
    case 'round_prefer_floor':
      return Math.ceil(at - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    default:
      throw call.wrong(`nearest_mode ${rounding}`, 'round_prefer_floor, round_prefer_ceil, floor or ceil');
  }
}

/** The matrix [output, input] that resizes one axis. */
function matrixOf(call: Call, input: number, output: number, scale: number, rule: Rule): Float32Array {
  const matrix = new Float32Array(output * input);
  const clamp = (at: number): number => Math.min(Math.max(at, 0), input - 1);
  for (let row = 0; row < output; row++) {
    const at = coordinate(call, rule.coordinates, row, scale, input, output);
    if (rule.mode === 'nearest') {
      matrix[row * input + clamp(nearest(call, rule.rounding, at))] = 1;
      continue;
    }
    const low = Math.floor(at);
    matrix[row * input + clamp(low)] += 1 - (at - low);
    matrix[row * input + clamp(low + 1)] += at - low;
  }
  return matrix;
}

interface Rule {
  readonly mode: 'nearest' | 'linear';
  readonly coordinates: string;
  readonly rounding: string;
}

function ruleOf(call: Call): Rule {
  const { attributes, opset, node } = call;
  const mode = attributes.text('mode', 'nearest');
  if (mode !== 'nearest' && mode !== 'linear') throw call.wrong(`mode ${mode}`, 'nearest or linear');
  const old = node.opType === 'Upsample' || opset < 11;
  return {
    mode,
    coordinates: old ? 'asymmetric' : attributes.text('coordinate_transformation_mode', 'half_pixel'),
    rounding: old ? 'floor' : attributes.text('nearest_mode', 'round_prefer_floor'),
  };
}

/** Scales of all axes: given, or from the sizes that are. Inputs: x, scales (opset < 11); x, roi, scales, sizes (11 on). */
function scalesOf(call: Call, x: Value): readonly number[] {
  const given = call.opset < 11 ? call.optional(1) : call.optional(2);
  const scales = given ?? call.attributes.floats('scales');
  if (scales !== undefined && scales.length === x.rank) return scales;
  const sizes = call.optional(3);
  if (sizes?.length !== x.rank) throw call.wrong('neither scales nor sizes for all axes', `${x.rank} numbers`);
  return sizes.map((size, axis) => (axis === 0 ? 1 : size / x.shape[axis]));
}

/** The longest side that a picture is resized to. */
const mostPixels = 2 ** 14;

export const resize: Operator = (call) => {
  const x = call.value(0);
  const rule = ruleOf(call);
  const scales = scalesOf(call, x);
  let y = x;
  scales.forEach((scale, axis) => {
    if (scale === 1) return;
    const input = x.shape[axis];
    const output = Math.floor(input * scale);
    if (!(output >= 1 && output <= mostPixels)) throw call.wrong(`a scale of ${scale}`, `1 to ${mostPixels} pixels`);
    const matrix = x.graph.constant(matrixOf(call, input, output, scale, rule), [output, input]);
    // The axis goes last for the product, and back.
    const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
    y = transpose(matmul(transpose(y, order), matrix, { transposeB: true }), order);
  });
  return [y];
};
