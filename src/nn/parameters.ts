// Parameters of a network: what they are, how they start, and how a graph gets at them.
import { SphereFaceError } from '../common/errors.js';
import type { Random } from '../common/random.js';
import { type Graph, mul, reciprocal, scaleGradient, type Shape, sizeOf, type Value } from '../graph/index.js';
import { determined, type Filler, fill } from './fillers.js';

/** What a parameter is in its network: what is done with it depends on this, never on its name. */
export type ParameterRole =
  /** Filters of a convolution, [out, in / groups, h, w]. */
  | 'filters'
  /** A matrix, [out, in]. */
  | 'weight'
  | 'bias'
  /** Slopes of a PReLU, [c]. */
  | 'slope'
  /** Factor and offset of a normalisation, [c]. */
  | 'scale'
  | 'offset'
  /** Not trained: a running mean or variance, [c], replaced by what each pass of a step computes for it. */
  | 'statistic'
  /** A row per identity, [identities, d]. */
  | 'classifier'
  /** What a margin trains besides the classifier. */
  | 'margin';

/** One parameter, without its values. */
export interface ParameterSpec {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: Shape;
  readonly filler: Filler;
  /** Factor on the base learning rate; 0 freezes the parameter at its start. Default 1. */
  readonly learningRateMultiplier?: number;
  /** Factor on the weight decay. Default 1. */
  readonly decayMultiplier?: number;
}

/** Random factors that a step takes as an input: 0 with probability `ratio`, 1 / (1 − ratio) else. */
export interface DropoutMask {
  readonly name: string;
  readonly shape: Shape;
  readonly ratio: number;
}

/** Values of parameters by name. */
export type ParameterValues = ReadonlyMap<string, Float32Array>;

/** Whether a layer normalises by its batch (training) or by what it has stored (inference). */
export type Mode = 'training' | 'inference';

/**
 * What layers are built in: a graph, a mode, and a source of parameters. Layers declare each parameter once;
 * the two implementations make it an input of a training graph or a constant of an inference graph.
 */
export abstract class NetworkBuilder {
  readonly specs: ParameterSpec[] = [];
  readonly values = new Map<string, Value>();
  /** New values of statistics, by name: the step gives them out, and the trainer keeps them. */
  readonly statistics = new Map<string, Value>();
  /** In the order in which {@link dropout} was called. */
  readonly masks: DropoutMask[] = [];

  constructor(
    readonly graph: Graph,
    readonly mode: Mode,
  ) {}

  /** Declares a parameter and gives its value in the graph. */
  parameter(spec: ParameterSpec): Value {
    if (this.values.has(spec.name)) {
      throw new SphereFaceError(`The network already has a parameter "${spec.name}".`, {
        next: 'give every layer its own name',
      });
    }
    const value = this.provide(spec);
    this.specs.push(spec);
    this.values.set(spec.name, value);
    return value;
  }

  /**
   * Sets a share of the values to 0 at random in training, and makes the others that much larger; in inference all pass as they are. The
   * random factors are fed, not computed in the graph: they are the same on every device.
   */
  dropout(x: Value, ratio: number): Value {
    if (this.mode === 'inference' || ratio === 0) return x;
    const name = `dropout:${this.masks.length}`;
    this.masks.push({ name, shape: x.shape, ratio });
    return mul(x, this.graph.input(name, 'float32', x.shape));
  }

  /** The trained parameters that a gradient is needed for. */
  get trained(): readonly ParameterSpec[] {
    return this.specs.filter(isTrained);
  }

  protected abstract provide(spec: ParameterSpec): Value;
}

/** Whether a parameter follows its gradient. */
export function isTrained(spec: ParameterSpec): boolean {
  return spec.role !== 'statistic' && spec.learningRateMultiplier !== 0;
}

/** Whether a parameter belongs to the classifier: its rows, and what a margin trains besides. */
export function isOfClassifier({ role }: ParameterSpec): boolean {
  return role === 'classifier' || role === 'margin';
}

/** Whether a parameter is a statistic that each pass computes anew; a frozen one stays what it is. */
export function isUpdated(spec: ParameterSpec): boolean {
  return spec.role === 'statistic' && spec.learningRateMultiplier !== 0;
}

export interface TrainingBuilderOptions {
  /** Values of frozen parameters, where they differ from what their fillers give. */
  readonly frozen?: ParameterValues;
  /** How many times as long gradients are inside of the backbone: see {@link TrainingBuilder.features}. Default: as they are. */
  readonly lossScale?: Value;
}

/** Parameters are inputs of the graph, fed at each run; frozen ones are constants, so that a zero bias costs nothing. */
export class TrainingBuilder extends NetworkBuilder {
  private readonly frozen: ParameterValues;
  private readonly lossScale: Value | undefined;

  constructor(graph: Graph, { frozen = new Map(), lossScale }: TrainingBuilderOptions = {}) {
    super(graph, 'training');
    this.frozen = frozen;
    this.lossScale = lossScale;
  }

  /** Of a backbone's parameter, the gradient leaves the backbone as it should be. */
  override parameter(spec: ParameterSpec): Value {
    const value = super.parameter(spec);
    if (this.lossScale === undefined || !isTrained(spec) || isOfClassifier(spec)) return value;
    return scaleGradient(value, reciprocal(this.lossScale));
  }

  /** What a backbone gives, whose gradient becomes as much longer as the loss scale says before it enters the backbone. */
  features(embedding: Value): Value {
    return this.lossScale === undefined ? embedding : scaleGradient(embedding, this.lossScale);
  }

  protected provide(spec: ParameterSpec): Value {
    const { name, shape, filler } = spec;
    if (spec.learningRateMultiplier !== 0) return this.graph.input(name, 'float32', shape);
    const given = this.frozen.get(name);
    const data = given?.length === sizeOf(shape) ? given : determined(filler, shape);
    if (data === undefined) {
      throw new SphereFaceError(`The frozen parameter "${name}" starts at random, but its values were not given.`, {
        next: "pass the network's initial values to the builder",
      });
    }
    return this.graph.constant(data, shape, { name });
  }
}

/** Parameters are constants stored in the model. */
export class InferenceBuilder extends NetworkBuilder {
  constructor(
    graph: Graph,
    private readonly stored: ParameterValues,
  ) {
    super(graph, 'inference');
  }

  protected provide({ name, shape }: ParameterSpec): Value {
    const data = this.stored.get(name);
    if (data === undefined || data.length !== sizeOf(shape)) {
      throw new SphereFaceError(`The parameter "${name}" does not fit the network.`, {
        got: data === undefined ? 'no such parameter' : `${data.length} values`,
        expected: `${sizeOf(shape)} values for [${shape.join(', ')}]`,
        next: 'check that the weights belong to this network, depth and embedding size',
      });
    }
    return this.graph.constant(data, shape, { name });
  }
}

/** Number of values in all parameters. */
export function countParameters(specs: readonly ParameterSpec[]): number {
  return specs.reduce((total, spec) => total + sizeOf(spec.shape), 0);
}

/** Fresh values for every parameter, from its filler. The order of the specs decides which random numbers each gets. */
export function initialize(specs: readonly ParameterSpec[], random: Random): Map<string, Float32Array> {
  return new Map(specs.map((spec) => [spec.name, fill(spec.filler, spec.shape, random)]));
}
