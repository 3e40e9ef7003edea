// The definition of a Caffe net (.prototxt): its input and its layers, in both generations of the format.
import { SphereFaceError } from '../../common/errors.js';
import { parseTextFormat, type TextMessage } from './text-format.js';

/** One layer as the definition states it. */
export interface LayerDefinition {
  readonly name: string;
  /** Caffe's name of the type in files of today: `Convolution`, `PReLU`, … */
  readonly type: string;
  readonly bottoms: readonly string[];
  readonly tops: readonly string[];
  /** The fields of the layer: `parameters.message('convolution_param')`. */
  readonly parameters: TextMessage;
}

/** A net. */
export interface NetDefinition {
  readonly name: string;
  /** The blob that pictures go into, and its shape [n, c, h, w] where the definition states it. */
  readonly input: { readonly blob: string; readonly shape?: readonly number[] };
  /** The layers in order, without those that only give data. */
  readonly layers: readonly LayerDefinition[];
}

/** Layers that give data: their first top is the picture. */
const dataLayers: ReadonlySet<string> = new Set(['Input', 'Data', 'ImageData', 'MemoryData', 'HDF5Data', 'DummyData']);

/**
 * Reads a definition. Layers that are for training only (`include { phase: TRAIN }`) are left out.
 * @throws SphereFaceError with the line, for what is no definition or has no input.
 */
export function parseDefinition(prototxt: string, file: string): NetDefinition {
  const net = parseTextFormat(prototxt, file);
  const layers = [...net.messages('layer'), ...net.messages('layers')]
    .sort((a, b) => a.line - b.line)
    .map((parameters): LayerDefinition => ({
      name: parameters.string('name') ?? '',
      type: typeName(parameters.string('type') ?? ''),
      bottoms: parameters.strings('bottom'),
      tops: parameters.strings('top'),
      parameters,
    }));
  if (layers.length === 0) {
    throw new SphereFaceError(`${file} defines no layers.`, {
      got: `fields ${net.names().slice(0, 5).join(', ') || 'none'}`,
      expected: 'a net with `layer { … }`',
      next: "give the net's definition (deploy.prototxt), not the solver's",
    });
  }
  return {
    name: net.string('name') ?? '',
    input: inputOf(net, layers, file),
    layers: layers.filter(({ type, parameters }) => !dataLayers.has(type) && !isForTraining(parameters)),
  };
}

function inputOf(net: TextMessage, layers: readonly LayerDefinition[], file: string): NetDefinition['input'] {
  const blob = net.string('input');
  if (blob !== undefined) {
    const shape = net.message('input_shape')?.numbers('dim') ?? net.numbers('input_dim');
    return shape.length === 0 ? { blob } : { blob, shape };
  }
  const layer = layers.find(({ type }) => dataLayers.has(type));
  const top = layer?.tops.at(0);
  if (layer === undefined || top === undefined) {
    throw new SphereFaceError(`${file} does not say what goes into the net.`, {
      expected: 'an `input`, or a layer of type Input, Data or ImageData',
    });
  }
  const shape = layer.parameters.message('input_param')?.message('shape')?.numbers('dim');
  return shape === undefined ? { blob: top } : { blob: top, shape };
}

function isForTraining(layer: TextMessage): boolean {
  const phases = layer.messages('include').flatMap((rule) => rule.strings('phase'));
  return phases.length > 0 && phases.every((phase) => phase === 'TRAIN');
}

/** The old format's types with another spelling than a capitalised word. */
const oldTypes: Readonly<Record<string, string>> = {
  RELU: 'ReLU',
  PRELU: 'PReLU',
  SOFTMAX_LOSS: 'SoftmaxWithLoss',
  LRN: 'LRN',
  MVN: 'MVN',
  BNLL: 'BNLL',
  HDF5_DATA: 'HDF5Data',
};

/** Types of the old format are enum names: `INNER_PRODUCT` is `InnerProduct`. */
function typeName(type: string): string {
  if (!/^[A-Z0-9_]+$/.test(type)) return type;
  const capitalised = (word: string): string => word.charAt(0) + word.slice(1).toLowerCase();
  return oldTypes[type] ?? type.split('_').map(capitalised).join('');
}
