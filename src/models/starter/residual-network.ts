// dlib's residual network for faces (dlib_face_recognition_resnet_model_v1; after He et al., CVPR 2016, ResNet-34 with half the filters and
// fewer layers) as a graph: 29 convolutions, each with the scale and shift of its batch normalisation folded in.
import { SphereFaceError } from '../../common/errors.js';
import { add, averagePool2d, conv2d, matmul, maxPool2d, mean, pad, relu, type Value } from '../../graph/index.js';
import type { Parameter } from '../../graph/onnx/index.js';

/** A residual unit; those that halve the picture have no padding in their first convolution. */
interface Unit {
  readonly name: string;
  readonly channels: number;
  readonly halves?: true;
}

const units: readonly Unit[] = [
  { name: 'conv32_1', channels: 32 },
  { name: 'conv32_2', channels: 32 },
  { name: 'conv32_3', channels: 32 },
  { name: 'conv64_down', channels: 64, halves: true },
  { name: 'conv64_1', channels: 64 },
  { name: 'conv64_2', channels: 64 },
  { name: 'conv64_3', channels: 64 },
  { name: 'conv128_down', channels: 128, halves: true },
  { name: 'conv128_1', channels: 128 },
  { name: 'conv128_2', channels: 128 },
  { name: 'conv256_down', channels: 256, halves: true },
  { name: 'conv256_1', channels: 256 },
  { name: 'conv256_2', channels: 256 },
  { name: 'conv256_down_out', channels: 256, halves: true },
];

/** Values of an embedding. */
export const embeddingSize = 128;

/** Every weight of the network as TensorFlow lays it out, in the order of the layers: [rows, columns, inputs, outputs] of a kernel. */
export const weightShapes: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...convolutionShapes('conv32_down', 7, 3, 32),
  ...units.flatMap(({ name, channels }, i) => [
    ...convolutionShapes(`${name}/conv1`, 3, units[i - 1]?.channels ?? 32, channels),
    ...convolutionShapes(`${name}/conv2`, 3, channels, channels),
  ]),
  ['fc', [256, embeddingSize]],
]);

function convolutionShapes(
  name: string,
  kernel: number,
  inputs: number,
  outputs: number,
): (readonly [name: string, shape: readonly number[]])[] {
  return [
    [`${name}/conv/filters`, [kernel, kernel, inputs, outputs]],
    [`${name}/conv/bias`, [outputs]],
    [`${name}/scale/weights`, [outputs]],
    [`${name}/scale/biases`, [outputs]],
  ];
}

/**
 * The embedding [n, 128] of images [n, 3, 150, 150].
 * @param weights by the names and in the shapes of {@link weightShapes}
 * @throws SphereFaceError for weights of another network.
 */
export function dlibResNet(images: Value, weights: ReadonlyMap<string, Parameter>): Value {
  const { graph } = images;
  const convolution = (
    x: Value,
    name: string,
    geometry: { readonly stride: number; readonly padding: number },
  ): Value => {
    const { kernel, bias } = folded(name, weights);
    return conv2d(x, graph.constant(kernel.data, kernel.shape, { name: `${name}.weight` }), {
      ...geometry,
      bias: graph.constant(bias, [bias.length], { name: `${name}.bias` }),
    });
  };

  let x = relu(convolution(images, 'conv32_down', { stride: 2, padding: 0 }));
  x = maxPool2d(x, { kernel: 3, stride: 2 });
  for (const { name, halves } of units) {
    const first = halves === true ? { stride: 2, padding: 0 } : { stride: 1, padding: 1 };
    const y = convolution(relu(convolution(x, `${name}/conv1`, first)), `${name}/conv2`, { stride: 1, padding: 1 });
    x = relu(sum(halves === true ? averagePool2d(x, { kernel: 2, stride: 2 }) : x, y));
  }
  const fc = weight('fc', weights);
  return matmul(mean(x, { axes: [2, 3] }), graph.constant(fc.data, fc.shape, { name: 'fc.weight' }));
}

/** The sum of two maps, the smaller of which is continued with zeros along each axis: channels that are new, a last row or column. */
function sum(a: Value, b: Value): Value {
  const shape = a.shape.map((size, axis) => Math.max(size, b.shape[axis]));
  const [x, y] = [a, b].map((value) =>
    pad(value, { before: shape.map(() => 0), after: shape.map((size, axis) => size - value.shape[axis]) }),
  );
  return add(x, y);
}

/** A convolution's kernel [outputs, inputs, rows, columns] and bias, with the scale and shift that follow it multiplied in. */
function folded(
  name: string,
  weights: ReadonlyMap<string, Parameter>,
): { readonly kernel: Parameter; readonly bias: Float32Array } {
  const [filters, offset, factor, shift] = ['conv/filters', 'conv/bias', 'scale/weights', 'scale/biases'].map((part) =>
    weight(`${name}/${part}`, weights),
  );
  const [rows, columns, inputs, outputs] = filters.shape;
  const kernel = new Float32Array(filters.data.length);
  for (let position = 0, from = 0; position < rows * columns; position++) {
    for (let input = 0; input < inputs; input++) {
      for (let output = 0; output < outputs; output++, from++) {
        kernel[(output * inputs + input) * rows * columns + position] = filters.data[from] * factor.data[output];
      }
    }
  }
  const bias = offset.data.map((value, output) => value * factor.data[output] + shift.data[output]);
  return { kernel: { shape: [outputs, inputs, rows, columns], data: kernel }, bias };
}

function weight(name: string, weights: ReadonlyMap<string, Parameter>): Parameter {
  const found = weights.get(name);
  const shape = weightShapes.get(name)!;
  if (found !== undefined && found.shape.join() === shape.join()) return found;
  throw new SphereFaceError("These are not the weights of dlib's residual network.", {
    got: found === undefined ? `nothing called ${name}` : `${name} [${found.shape.join(', ')}]`,
    expected: `${name} [${shape.join(', ')}]`,
  });
}
