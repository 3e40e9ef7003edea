// A Caffe net as a graph: the layers of the face-verification family, with their names kept.
import { SphereFaceError } from '../../common/errors.js';
import {
  add,
  concat,
  constantOf,
  conv2d,
  flatten,
  Graph,
  matmul,
  maximum,
  maxPool2d,
  averagePool2d,
  mean,
  mul,
  prelu,
  relu,
  scale,
  softmax,
  type Value,
} from '../../graph/index.js';
import type { Parameter } from '../../graph/onnx/index.js';
import { walk } from '../../graph/walk.js';
import type { LayerDefinition, NetDefinition } from './definition.js';
import { blobsOf, type CaffeModel } from './read.js';
import type { TextMessage } from './text-format.js';

/** A built net. */
export interface CaffeNet {
  readonly graph: Graph;
  /** Input `images` [1, c, h, w]. */
  readonly images: Value;
  /** Every blob that a layer makes, as the last layer that works in place leaves it: by name, in the order of the net. */
  readonly blobs: ReadonlyMap<string, Value>;
  /** Those that no layer takes further. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** Weights by the name they have in the graph: `conv1_1.weight`, `conv1_1.bias`, `relu1_1.slope`, `fc5.weight`, … */
  readonly parameters: ReadonlyMap<string, Parameter>;
  /** The weights of a classifier that training used and the embedding does not: `fc6.weight`. */
  readonly classifiers: ReadonlyMap<string, Parameter>;
  /** Layers of training that were left out, as `name (type)`. */
  readonly skipped: readonly string[];
}

/** How to build. */
export interface BuildOptions {
  /** Shape [c, h, w] of a picture where the definition states none. */
  readonly picture?: readonly [number, number, number];
}

/** Layers that only training needs. What they take may be missing. */
const trainingLayers: ReadonlySet<string> = new Set([
  'SoftmaxWithLoss',
  'EuclideanLoss',
  'SigmoidCrossEntropyLoss',
  'Accuracy',
  'Silence',
  'InterClass',
]);

/** Layers whose weights are kept for a fine-tune and which the embedding does not use. */
const classifierLayers: ReadonlySet<string> = new Set(['MarginInnerProduct', 'LabelSpecificInnerProduct']);

/** What a layer works with. */
interface Context {
  readonly layer: LayerDefinition;
  readonly inputs: readonly Value[];
  /** Its weights as named constants of the graph, checked against the shapes they must have. */
  weights(...parts: readonly (readonly [name: string, shape: readonly number[]])[]): readonly Value[];
}

type LayerBuilder = (context: Context) => Value;

const builders: Readonly<Record<string, LayerBuilder>> = {
  Convolution: convolution,
  InnerProduct: innerProduct,
  PReLU: parametricRelu,
  ReLU: ({ inputs: [x], layer }) => {
    const slope = layer.parameters.message('relu_param')?.number('negative_slope') ?? 0;
    return slope === 0 ? relu(x) : add(scale(relu(scale(x, -1)), -slope), relu(x));
  },
  Eltwise: eltwise,
  Pooling: pooling,
  Softmax: ({ inputs: [x], layer }) => softmax(x, layer.parameters.message('softmax_param')?.number('axis') ?? 1),
  Concat: ({ inputs, layer }) => concat(inputs, layer.parameters.message('concat_param')?.number('axis') ?? 1),
  Flatten: ({ inputs: [x] }) => flatten(x),
  Dropout: ({ inputs: [x] }) => x,
  Split: ({ inputs: [x] }) => x,
};

/** The layer types that can be imported. */
const knownLayers: readonly string[] = [...Object.keys(builders), ...classifierLayers, ...trainingLayers].sort();

/**
 * Builds the graph of a net with the weights of a model.
 * @throws SphereFaceError for a layer that is not known, and for weights that do not fit the definition.
 */
export function buildCaffeNet(definition: NetDefinition, model: CaffeModel, options: BuildOptions = {}): CaffeNet {
  const graph = new Graph();
  const [, ...stated] = definition.input.shape ?? [];
  const picture = stated.length === 3 ? stated : options.picture;
  if (picture === undefined) {
    throw new SphereFaceError("The net's definition does not state the size of its pictures.", {
      got: `input ${definition.input.blob} [${definition.input.shape?.join(', ') ?? ''}]`,
      expected: '[n, channels, height, width]',
      next: 'give the deploy.prototxt of the net, or --input-spec FILE',
    });
  }
  const images = graph.input('images', 'float32', [1, ...picture]);
  const parameters = new Map<string, Parameter>();
  const classifiers = new Map<string, Parameter>();
  const skipped: string[] = [];
  const blobs = new Map([[definition.input.blob, images]]);
  /** Blobs that no layer has taken further since they were made. */
  const open = new Map<string, Value>();
  const labels = new Set<string>();

  for (const layer of definition.layers) {
    if (classifierLayers.has(layer.type) || trainingLayers.has(layer.type)) {
      skipped.push(`${layer.name} (${layer.type})`);
      for (const top of layer.tops) labels.add(top);
      continue;
    }
    const build = builders[layer.type] as LayerBuilder | undefined;
    if (build === undefined) throw unknownLayer(layer);
    // What follows a classifier or a loss belongs to training as well.
    if (layer.bottoms.some((bottom) => labels.has(bottom) && !blobs.has(bottom))) {
      skipped.push(`${layer.name} (${layer.type})`);
      for (const top of layer.tops) labels.add(top);
      continue;
    }
    const inputs = layer.bottoms.map((bottom) => {
      const value = blobs.get(bottom);
      if (value === undefined) {
        throw wrongLayer(layer, `bottom "${bottom}"`, `one of ${[...blobs.keys()].join(', ')}`);
      }
      return value;
    });
    if (inputs.length === 0) throw wrongLayer(layer, 'no bottom', 'a blob to work on');
    const value = build({
      layer,
      inputs,
      weights: (...parts) => {
        const arrays = blobsOf(
          model,
          layer.name,
          parts.map(([, shape]) => shape),
        );
        return parts.map(([part, shape], index) => {
          const name = `${layer.name}.${part}`;
          parameters.set(name, { shape, data: arrays[index] });
          return graph.constant(arrays[index], shape, { name });
        });
      },
    });
    for (const bottom of layer.bottoms) open.delete(bottom);
    for (const top of layer.tops) {
      blobs.set(top, value);
      open.set(top, value);
    }
  }
  // The classifier of a finished model is in the weights even where the definition (deploy.prototxt) ends before it.
  for (const { name, type } of model.layers.values()) {
    if (!classifierLayers.has(type)) continue;
    for (const [part, blob] of namedBlobs(model, name)) classifiers.set(`${name}.${part}`, blob);
  }
  if (blobs.get(definition.input.blob) === images) blobs.delete(definition.input.blob);
  return { graph, images, blobs, outputs: open, parameters, classifiers, skipped };
}

/** The weights that a blob of a net is computed with, and the others. */
export function weightsOf(
  { parameters }: Pick<CaffeNet, 'parameters'>,
  blob: Value,
): { readonly needed: Map<string, Parameter>; readonly others: Map<string, Parameter> } {
  const names = new Set([...walk([blob]).used].map((value) => constantOf(value)?.name));
  const [needed, others] = [true, false].map(
    (wanted) => new Map([...parameters].filter(([name]) => names.has(name) === wanted)),
  );
  return { needed, others };
}

function convolution({ layer, inputs: [x], weights }: Context): Value {
  const param = parametersOf(layer, 'convolution_param');
  const [kh, kw] = pairOf(layer, param, 'kernel_size', 'kernel_h', 'kernel_w', undefined);
  const groups = param.number('group') ?? 1;
  const out = required(layer, param, 'num_output');
  const options = {
    stride: pairOf(layer, param, 'stride', 'stride_h', 'stride_w', 1),
    padding: pairOf(layer, param, 'pad', 'pad_h', 'pad_w', 0),
    dilation: pairOf(layer, param, 'dilation', '', '', 1),
    groups,
  };
  const weight = ['weight', [out, x.shape[1] / groups, kh, kw]] as const;
  if (param.truth('bias_term') === false) return conv2d(x, weights(weight)[0], options);
  const [w, bias] = weights(weight, ['bias', [out]]);
  return conv2d(x, w, { ...options, bias });
}

function innerProduct({ layer, inputs: [x], weights }: Context): Value {
  const param = parametersOf(layer, 'inner_product_param');
  if ((param.number('axis') ?? 1) !== 1 || param.truth('transpose') === true) {
    throw wrongLayer(layer, 'another axis or transposed weights', 'axis 1, weights [outputs, inputs]');
  }
  const flat = x.shape.length === 2 ? x : flatten(x);
  const out = required(layer, param, 'num_output');
  const weight = ['weight', [out, flat.shape[1]]] as const;
  if (param.truth('bias_term') === false) return matmul(flat, weights(weight)[0], { transposeB: true });
  const [w, bias] = weights(weight, ['bias', [out]]);
  return add(matmul(flat, w, { transposeB: true }), bias);
}

function parametricRelu({ layer, inputs: [x], weights }: Context): Value {
  const shared = layer.parameters.message('prelu_param')?.truth('channel_shared') === true;
  const [slope] = weights(['slope', [shared ? 1 : x.shape[1]]]);
  if (!shared) return prelu(x, slope);
  return prelu(x, mul(slope, slope.graph.constant(new Float32Array(x.shape[1]).fill(1), [x.shape[1]])));
}

function eltwise({ layer, inputs }: Context): Value {
  const param = layer.parameters.message('eltwise_param');
  const operation = param?.string('operation') ?? 'SUM';
  const coefficients = param?.numbers('coeff') ?? [];
  const [first, ...rest] = inputs.map((x, index) => {
    const factor = coefficients.at(index) ?? 1;
    return factor === 1 ? x : scale(x, factor);
  });
  switch (operation) {
    case 'SUM':
      return rest.reduce(add, first);
    case 'PROD':
      return rest.reduce(mul, first);
    case 'MAX':
      return rest.reduce(maximum, first);
    default:
      throw wrongLayer(layer, `operation ${operation}`, 'SUM, PROD or MAX');
  }
}

function pooling({ layer, inputs: [x] }: Context): Value {
  const param = parametersOf(layer, 'pooling_param');
  const method = param.string('pool') ?? 'MAX';
  const isGlobal = param.truth('global_pooling') === true;
  const kernel = isGlobal
    ? ([x.shape[2], x.shape[3]] as const)
    : pairOf(layer, param, 'kernel_size', 'kernel_h', 'kernel_w', undefined);
  const stride = pairOf(layer, param, 'stride', 'stride_h', 'stride_w', 1);
  const padding = pairOf(layer, param, 'pad', 'pad_h', 'pad_w', 0);
  switch (method) {
    case 'MAX':
      return maxPool2d(x, { kernel, stride, padding, rounding: 'ceil' });
    case 'AVE': {
      if (isGlobal) return mean(x, { axes: [2, 3], keepDims: true });
      // Caffe's average over a window that reaches beyond the edge divides by the part inside: not what the op computes.
      const fits = [0, 1].every(
        (axis) => (x.shape[axis + 2] - kernel[axis]) % stride[axis] === 0 && padding[axis] === 0,
      );
      if (!fits) throw wrongLayer(layer, 'average windows that reach over the edge', 'windows that fit, no padding');
      return averagePool2d(x, { kernel, stride });
    }
    default:
      throw wrongLayer(layer, `pooling ${method}`, 'MAX or AVE');
  }
}

/** The blobs of a layer by their customary names. */
function namedBlobs(model: CaffeModel, name: string): (readonly [string, Parameter])[] {
  const blobs = model.layers.get(name)?.blobs ?? [];
  return blobs.map((blob, index) => [index === 0 ? 'weight' : 'bias', squeezed(blob)] as const);
}

/** Old files pad every shape to four dimensions: [1, 1, n, d] is [n, d]. */
function squeezed({ shape, data }: Parameter): Parameter {
  const first = Math.min(
    shape.findIndex((dim) => dim !== 1),
    Math.max(shape.length - 2, 0),
  );
  return { shape: first > 0 ? shape.slice(first) : shape, data };
}

function parametersOf(layer: LayerDefinition, name: string): TextMessage {
  const found = layer.parameters.message(name);
  if (found === undefined) throw wrongLayer(layer, `no ${name}`, name);
  return found;
}

function required(layer: LayerDefinition, param: TextMessage, name: string): number {
  const value = param.number(name);
  if (value === undefined || !Number.isInteger(value) || value < 1) {
    throw wrongLayer(layer, `${name} ${value ?? 'missing'}`, 'a positive integer');
  }
  return value;
}

/** A size given once for both axes, twice in a row, or by axis. */
function pairOf(
  layer: LayerDefinition,
  param: TextMessage,
  both: string,
  vertical: string,
  horizontal: string,
  byDefault: number | undefined,
): readonly [number, number] {
  const [first, second = first] = param.numbers(both);
  const h = param.number(vertical) ?? first ?? byDefault;
  const w = param.number(horizontal) ?? second ?? byDefault;
  if (h === undefined || w === undefined || ![h, w].every((size) => Number.isInteger(size) && size >= 0)) {
    throw wrongLayer(layer, `${both} ${h ?? 'missing'}`, 'a whole number');
  }
  return [h, w];
}

function unknownLayer(layer: LayerDefinition): SphereFaceError {
  return new SphereFaceError(`The layer "${layer.name}" cannot be imported.`, {
    got: `type ${layer.type || 'missing'}, line ${layer.parameters.line} of the definition`,
    expected: `one of ${knownLayers.join(', ')}`,
    next: 'cut the net before that layer, or convert it to ONNX with its own tools and use --input-spec',
  });
}

function wrongLayer(layer: LayerDefinition, got: string, expected: string): SphereFaceError {
  return new SphereFaceError(`The layer "${layer.name}" (${layer.type}) cannot be imported.`, {
    got: `${got}, line ${layer.parameters.line} of the definition`,
    expected,
  });
}
