// What flows between the nodes of a network that is being read, and the call of one node.
import { SphereFaceError } from '../../common/errors.js';
import type { NodeProto } from '../../graph/onnx/index.js';
import type { Graph, Value } from '../../graph/index.js';
import type { NetworkBuilder, ParameterRole } from '../parameters.js';
import type { NodeAttributes } from './attributes.js';
import type { Known } from './known.js';

/** Stored floating-point data that no node has used yet: its use decides whether it is trained. */
export interface StoredData {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
  /** `initializer`: trained wherever it meets the picture's features. `constant`: only as a layer's weight. */
  readonly from: 'initializer' | 'constant';
}

export type Operand =
  /** A tensor of the graph. `learned`: some parameter has had part in it. */
  | { readonly kind: 'value'; readonly value: Value; readonly learned: boolean }
  /** `stored`: where it is a single number that can be a parameter, by itself. */
  | { readonly kind: 'known'; readonly known: Known; readonly stored?: StoredData }
  | { readonly kind: 'stored'; readonly stored: StoredData };

/** How batch normalisation behaves while training; see {@link OnnxNetworkOptions.batchNorm}. */
export type BatchNormMode = 'frozen' | 'update';

/** What all nodes of one network share. */
export interface ReadingContext {
  readonly net: NetworkBuilder;
  readonly graph: Graph;
  /** Version of ONNX's own operator set that the model uses. */
  readonly opset: number;
  readonly batchNorm: BatchNormMode;
  /** The share that Dropout nodes drop in training, in place of their own; see {@link OnnxNetworkOptions.dropout}. */
  readonly dropout: number | undefined;
  /** The number of images that the model was written for, where it states one, and how many it is built for here. */
  readonly batch: { readonly stated: number | undefined; readonly built: number };
  /** The parameter made of stored data; the same one wherever it is used. */
  parameter(stored: StoredData, role: ParameterRole): Value;
}

/** What is added to learned features and is no larger than this is taken for an epsilon. */
const largestEpsilon = 1e-3;

/** One node, with its operands. */
export class Call {
  private taught = false;

  constructor(
    readonly context: ReadingContext,
    readonly node: NodeProto,
    readonly attributes: NodeAttributes,
    private readonly operands: readonly (Operand | undefined)[],
  ) {}

  get graph(): Graph {
    return this.context.graph;
  }

  get opset(): number {
    return this.context.opset;
  }

  /** Number of inputs, absent ones at the end not counted. */
  get count(): number {
    return this.operands.length;
  }

  has(index: number): boolean {
    return this.operands[index] !== undefined;
  }

  operand(index: number): Operand {
    const operand = this.operands[index];
    if (operand === undefined) throw this.wrong(`input ${index} is missing`);
    return operand;
  }

  /** Whether some parameter has had part in the inputs taken so far. */
  get learned(): boolean {
    return this.taught;
  }

  /**
   * An input as a tensor of the graph. Stored data is a parameter next to learned features and by itself (a weight that is transposed),
   * and a constant next to the picture as it comes in (a mean that is taken off).
   */
  value(index: number): Value {
    const operand = this.operand(index);
    switch (operand.kind) {
      case 'value':
        this.taught ||= operand.learned;
        return operand.value;
      case 'known':
        return this.isTrainedNumber(operand) ? this.parameter(index, 'scale') : this.constant(operand.known);
      case 'stored': {
        const { stored } = operand;
        const tensors = this.operands.filter((other) => other?.kind === 'value');
        const meetsFeatures = tensors.length === 0 || tensors.some(({ learned }) => learned);
        if (stored.from === 'initializer' && meetsFeatures) return this.parameter(index, 'scale');
        return this.graph.constant(stored.data, stored.shape);
      }
      default:
        return operand satisfies never;
    }
  }

  /** An input that is a layer's weight, bias or statistic: stored data becomes a parameter. */
  parameter(index: number, role: ParameterRole): Value {
    const operand = this.operand(index);
    const stored = operand.kind === 'value' ? undefined : operand.stored;
    if (stored === undefined) return this.value(index);
    this.taught = true;
    return this.context.parameter(stored, role);
  }

  /**
   * Whether a single number is trained: a factor of learned features, or added to them and not so small that it only keeps a division
   * finite.
   */
  private isTrainedNumber({ known, stored }: Extract<Operand, { kind: 'known' }>): boolean {
    const { opType } = this.node;
    const isTerm = opType === 'Add' || opType === 'Sub';
    if (stored === undefined || !(opType === 'Mul' || (isTerm && Math.abs(known.data[0]) > largestEpsilon)))
      return false;
    return this.operands.some((other) => other?.kind === 'value' && other.learned);
  }

  /** An input whose numbers must be known now, such as a shape. */
  known(index: number): Known {
    const operand = this.operand(index);
    switch (operand.kind) {
      case 'known':
        return operand.known;
      case 'stored':
        return { type: 'float', shape: operand.stored.shape, data: Array.from(operand.stored.data) };
      case 'value':
        throw this.wrong(`input ${index} depends on the picture`, 'a number that is known before the network runs');
      default:
        return operand satisfies never;
    }
  }

  /** As {@link known}, `undefined` where the input is absent. */
  optional(index: number): readonly number[] | undefined {
    return this.has(index) ? this.known(index).data : undefined;
  }

  /** Known numbers as a constant of the graph. */
  constant({ type, shape, data }: Known): Value {
    return type === 'float'
      ? this.graph.constant(Float32Array.from(data), shape)
      : this.graph.constant(BigInt64Array.from(data, BigInt), shape);
  }

  /** A failure of this node, named. */
  wrong(got: string, expected?: string): SphereFaceError {
    const { opType, name, output } = this.node;
    return new SphereFaceError(`The ${opType} node "${name || output[0]}" of the model cannot be trained as it is.`, {
      got,
      ...(expected === undefined ? {} : { expected }),
    });
  }
}

/** Reads one kind of node: the outputs as tensors, or as known numbers. */
export type Operator = (call: Call) => readonly (Value | Known)[];
