// Pooling as ONNX: its attributes, and the positions of the maxima where the runtime's MaxPool does not give them.
import type { Emitter, Node, Shape, Value } from '../value.js';
import type { PoolGeometry } from '../window-geometry.js';

/** A pooling's geometry as ONNX attributes. */
export const poolAttributes = ({ kernel, stride, padding, rounding }: PoolGeometry) => ({
  kernel_shape: kernel,
  strides: stride,
  pads: [...padding, ...padding],
  ceil_mode: rounding === 'ceil' ? 1 : 0,
});

/**
 * As {@link poolAttributes}; but where `ceil` drops a window that would start behind the picture, ONNX versions disagree about the size:
 * the far side then gets as much padding as makes rounding down give it.
 */
function maxPoolAttributes(x: Value, y: Value, attributes: PoolGeometry) {
  const plain = poolAttributes(attributes);
  const { kernel, stride, padding, rounding } = attributes;
  const far = ([0, 1] as const).map((axis) => {
    const input = x.shape[axis + 2];
    const count = y.shape[axis + 2];
    return {
      end: Math.max((count - 1) * stride[axis] + kernel[axis] - input - padding[axis], 0),
      dropped: Math.ceil((input + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1 > count,
    };
  });
  if (rounding === 'floor' || !far.some(({ dropped }) => dropped)) return plain;
  return { ...plain, pads: [...padding, ...far.map(({ end }) => end)], ceil_mode: 0 };
}

/** Emits the maxima of windows and, where something reads them, their positions in the flattened picture. */
export function lowerMaxPool(
  emitter: Emitter,
  { inputs: [x], attributes, outputs: [y, positions] }: Node<PoolGeometry>,
): void {
  const wanted = emitter.isUsed(positions);
  const together = wanted && emitter.target.device !== 'webgpu';
  emitter.node('MaxPool', [emitter.nameOf(x)], {
    attributes: maxPoolAttributes(x, y, attributes),
    outputs: together ? [emitter.nameOf(y), emitter.nameOf(positions)] : [emitter.nameOf(y)],
  });
  if (wanted && !together) positionsByComparison(emitter, x, attributes, y.shape, emitter.nameOf(positions));
}

/** Below every float32 that a window could hold: padding never is a maximum. */
const lowest = -3.4e38;

/**
 * The positions of the maxima without MaxPool's second output, which WebGPU lacks: one shifted picture for each element of the window,
 * in row order, then the first largest among them.
 */
function positionsByComparison(
  emitter: Emitter,
  x: Value,
  { kernel, stride, padding }: PoolGeometry,
  [n, c, oh, ow]: Shape,
  output: string,
): void {
  const [, , h, w] = x.shape;
  const reach = [(oh - 1) * stride[0] + kernel[0], (ow - 1) * stride[1] + kernel[1]];
  const after = [Math.max(reach[0] - h - padding[0], 0), Math.max(reach[1] - w - padding[1], 0)];
  const padded = emitter.node('Pad', [
    emitter.nameOf(x),
    emitter.ints([0, 0, ...padding, 0, 0, ...after]),
    emitter.float(lowest),
  ]);
  const taps = [...Array(kernel[0] * kernel[1]).keys()].map((tap) => [Math.floor(tap / kernel[1]), tap % kernel[1]]);
  const shifted = taps.map(([row, column]) => {
    const starts = [row, column];
    const ends = [row + (oh - 1) * stride[0] + 1, column + (ow - 1) * stride[1] + 1];
    const ranges = [starts, ends, [2, 3], stride].map((values) => emitter.ints(values));
    return emitter.node('Unsqueeze', [emitter.node('Slice', [padded, ...ranges]), emitter.ints([-1])]);
  });
  const tap = emitter.node('ArgMax', [emitter.node('Concat', shifted, { attributes: { axis: -1 } })], {
    attributes: { axis: -1, keepdims: 0 },
  });
  // Position in the flattened x: that of the window's first element (which may lie in the padding) plus the element's offset in it.
  const offset = emitter.node('Gather', [emitter.ints(taps.map(([row, column]) => row * w + column)), tap]);
  const firsts = Array.from({ length: n * c * oh * ow }, (_, i) => {
    const [plane, row, column] = [Math.floor(i / (oh * ow)), Math.floor(i / ow) % oh, i % ow];
    return (plane * h + row * stride[0] - padding[0]) * w + column * stride[1] - padding[1];
  });
  const first = emitter.node('Reshape', [emitter.ints(firsts), emitter.ints([n, c, oh, ow])]);
  emitter.node('Add', [first, offset], { outputs: [output] });
}
