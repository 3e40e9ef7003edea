// The vocabulary of a graph: tensor types, values, the nodes that produce them, and what an op is.
import type { Emitter } from './onnx/emitter.js';
import type { Graph } from './graph.js';

export type DType = 'float32' | 'float16' | 'int32' | 'int64' | 'uint8' | 'bool';
export type Shape = readonly number[];

/** What is known of a tensor before it is computed. Every dimension is a number: shapes are checked when a graph is built. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The options of an op: plain data, so that equal applications are found by comparing text. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * One operator of the graph. Its three rules stand together in one file under `ops/`:
 * the shape rule, the emission as ONNX, and the gradient.
 */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** The types of the outputs; throws a {@link ShapeError} when the inputs do not fit. */
  infer(inputs: readonly Value[], attributes: A): readonly TensorType[];
  /** Writes ONNX nodes that compute `node.outputs` from `node.inputs`. */
  emit(emitter: Emitter, node: Node<A>): void;
  /**
   * The gradients of the inputs, given those of the outputs (`undefined`: zero). `needed[i]` says whether input i's is wanted;
   * entries of inputs that are not wanted are ignored. The word `zero` states that nothing flows through, by definition of the op.
   */
  readonly gradient:
    | ((
        node: Node<A>,
        outputGradients: readonly (Value | undefined)[],
        needed: readonly boolean[],
      ) => readonly (Value | undefined)[])
    | 'zero';
}

/** One application of an op. */
export interface Node<A extends Attributes = Attributes> {
  readonly op: Op<A>;
  readonly inputs: readonly Value[];
  readonly attributes: A;
  readonly outputs: readonly Value[];
}

/** A tensor of the graph: an input, a constant, or an output of a node. */
export class Value implements TensorType {
  /** The node that computes this value; absent for graph inputs. */
  producer: Node | undefined;

  constructor(
    readonly graph: Graph,
    /** Creation order: a node's inputs always have smaller ids than its outputs. */
    readonly id: number,
    readonly dtype: DType,
    readonly shape: Shape,
    /** The input's name in the ONNX model; absent for computed values. */
    readonly inputName?: string,
  ) {}

  get rank(): number {
    return this.shape.length;
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dim) => product * dim, 1);
}
