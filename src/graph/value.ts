// The vocabulary of a graph: tensor types, values, the nodes that produce them, and what an op is. These types speak of each
// other, so they stand together; the graph and the writer of ONNX models implement the two interfaces that ops work with.
import type { Layout } from './lowering/layout.js';
import type { HalfForm, Precision } from './lowering/precision.js';
import type { Target } from './lowering/target.js';

export type DType = 'float32' | 'float16' | 'int32' | 'int64' | 'uint8' | 'bool';
export type Shape = readonly number[];

/** Stored elements: Float32Array for float32, BigInt64Array for int64, Int32Array for int32, Uint8Array for uint8 and bool, Uint16Array (bits) for float16. */
export type ConstantData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

/** What is known of a tensor before it is computed. Every dimension is a number: shapes are checked when a graph is built. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** The options of an op: plain data (typed arrays too), so that equal applications are found by comparing text. */
export type Attributes = Readonly<Record<string, unknown>>;

/**
 * One operator of the graph. Its three rules stand together in one file under `ops/`:
 * the shape rule, the emission as ONNX, and the gradient.
 */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  /** The types of the outputs; throws a ShapeError when the inputs do not fit. */
  infer(inputs: readonly Value[], attributes: A): readonly TensorType[];
  /** What the op does where a target holds pictures in half precision; absent: it computes in float32. */
  readonly half?: HalfForm;
  /** Writes ONNX nodes that compute `node.outputs` from `node.inputs`. */
  emit(emitter: Emitter, node: Node<A>): void;
  /** The layouts in which the emission for a target reads the inputs; absent where it takes them as they lie, or in the standard one. */
  inputLayouts?(node: Node<A>, target: Target): readonly Layout[];
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

/** A node that can be computed in several forms on a device, of which no rule says the fastest: it depends on the device. */
export interface FormCase {
  /** Op, shapes and geometry: the same for nodes that take the same time. */
  readonly key: string;
  /** At least two; the first is taken where nothing is known. */
  readonly forms: readonly string[];
  readonly node: Node;
  /** Multiplications. */
  readonly work: number;
}

/** The form that a case takes; `undefined` where nothing is known. */
export type FormChoice = (one: FormCase) => string | undefined;

/** A tensor of the graph: an input, a constant, or an output of a node. */
export class Value implements TensorType {
  /** The node that computes this value; absent for graph inputs. */
  producer: Node | undefined;
  /** The nodes that read this value, in the order in which they were applied, whether or not an output needs them. */
  readonly readers: Node[] = [];

  constructor(
    readonly graph: GraphBuilder,
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

/** The graph that a value belongs to, as ops use it. */
export interface GraphBuilder {
  /** A tensor fed at each run. */
  input(name: string, dtype: DType, shape: Shape): Value;
  /** A tensor stored in the model. `name` becomes its initializer's name, for weights that readers look up. */
  constant(data: ConstantData, shape: Shape, options?: { readonly dtype?: DType; readonly name?: string }): Value;
  /** A float32 constant without dimensions: it broadcasts against anything. */
  scalar(value: number): Value;
  /** An int64 constant vector. */
  indices(values: readonly number[]): Value;
  /**
   * Applies an op. The same op (the same object) on the same inputs with equal attributes gives the node made before.
   * @throws ShapeError when the inputs do not fit; SphereFaceError for attributes that are no plain data.
   */
  apply<A extends Attributes>(op: Op<A>, inputs: readonly Value[], attributes: A): readonly Value[];
}

/** An ONNX attribute's value. Numbers are ints unless wrapped as `{ float }`. */
export type AttributeValue =
  number | string | readonly number[] | { readonly float: number } | { readonly floats: readonly number[] };

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** Names of the outputs; one fresh name when absent. */
  readonly outputs?: readonly string[];
  readonly domain?: string;
}

/** What an op writes its ONNX nodes with. Tensors of the model are spoken of by name. */
export interface Emitter {
  readonly target: Target;
  /** In which the node that is being emitted takes its inputs. In float16 its constants come so too. */
  readonly precision: Precision;
  /** The form of the node that is being emitted, as was found for the device that the model is for; without that, the first. */
  choose<F extends string>(forms: readonly F[], about: Pick<FormCase, 'key' | 'work'>): F;
  /** Whether anything reads this value: an output nobody reads need not be computed. */
  isUsed(value: Value): boolean;
  /** The name of a value in the model, in the order of axes that the graph speaks of. For an op's output: the name to write. */
  nameOf(value: Value): string;
  /** The name of a value in a layout; a value that lies in another one is transposed, once. For an op's output: the name to write. */
  nameIn(value: Value, layout: Layout): string;
  /** The layout in which an elementwise op runs best: the one that an input of the output's shape was computed in. */
  layoutFor(inputs: readonly Value[], output: Value): Layout;
  /** An operand that broadcasts against rank-4 values of a layout. */
  operand(value: Value, layout: Layout): string;
  /** A name no other tensor has. */
  fresh(stem: string): string;
  /** Adds an ONNX node; returns the name of its first output. Optional inputs that are absent are empty strings. */
  node(opType: string, inputs: readonly string[], options?: EmitOptions): string;
  /** Adds stored data under a name; returns the name. */
  initializer(
    constant: { readonly data: ConstantData; readonly dtype: DType; readonly shape: Shape },
    name: string,
  ): string;
  /** An int64 vector as a stored constant, shared by content: the way recent ONNX ops take axes and shapes. */
  ints(values: readonly number[]): string;
  /** A tensor as float32 or float16; truth values as 0 and 1. */
  cast(name: string, to: Precision, options?: EmitOptions): string;
  /** A tensor of the node that is being emitted in float32, for a sum: itself, where the node computes so. */
  inFloat32(name: string): string;
  /** A scalar as a stored constant, shared by content. */
  float(value: number): string;
  /** The tensor made for `key` before, or the one that `make` emits now: how several ops share one lowered form. */
  once(key: string, make: () => string): string;
}
