// Runs the passes of an optimizer step: parameters and batches in, the mean gradient in the store, measures and new statistics out.
import { dropoutFactors, isTrained, isUpdated } from '../nn/index.js';
import {
  float32,
  float32Data,
  float32Scalar,
  int64,
  Session,
  type SessionOptions,
  type Tensor,
} from '../runtime/index.js';
import type { Batch } from './loader.js';
import type { ParameterStore } from './parameter-store.js';
import type { Recipe } from './recipe.js';
import {
  earlierGradientName,
  gradientName,
  gradientNormName,
  type MeasureName,
  statisticName,
  type StepModel,
} from './step-graph.js';

/** What the passes of a step gave. */
export interface StepOutcome {
  /** Means over the passes. */
  readonly measures: ReadonlyMap<MeasureName, number>;
  /** Norm of each parameter's gradient, by name. */
  readonly norms: ReadonlyMap<string, number>;
  /** Statistics after the last pass, by name: each pass starts from what the one before gave. */
  readonly statistics: ReadonlyMap<string, Float32Array>;
}

export class StepRunner implements AsyncDisposable {
  private readonly parameters: Record<string, Tensor>;
  private readonly gradients: Record<string, Tensor>;
  /** The same buffers as inputs, where a step takes several passes: each adds to what the earlier ones have left there. */
  private readonly earlier: Record<string, Tensor>;
  private readonly statistics: readonly string[];

  private constructor(
    private readonly session: Session,
    private readonly step: StepModel,
    private readonly store: ParameterStore,
    private readonly recipe: Recipe,
  ) {
    const tensors = (
      specs: StepModel['specs'],
      data: ReadonlyMap<string, Float32Array>,
      nameOf: (name: string) => string,
    ) =>
      Object.fromEntries(specs.map((spec) => [nameOf(spec.name), float32(data.get(spec.name)!, store.shapeOf(spec))]));
    const trained = step.specs.filter(isTrained);
    const statistics = step.specs.filter(isUpdated);
    this.parameters = tensors([...trained, ...statistics], store.values, (name) => name);
    this.gradients = tensors(trained, store.gradients, gradientName);
    this.earlier = recipe.solver.iterSize === 1 ? {} : tensors(trained, store.gradients, earlierGradientName);
    this.statistics = statistics.map(({ name }) => name);
  }

  /** @param store of the step's parameters, whose buffers it reads and whose gradients it writes. */
  static async create(
    step: StepModel,
    store: ParameterStore,
    recipe: Recipe,
    options: SessionOptions,
  ): Promise<StepRunner> {
    return new StepRunner(await Session.create(step.model, options), step, store, recipe);
  }

  /** Which device computes, in words. */
  get device(): string {
    return this.session.description;
  }

  /**
   * Runs the passes of an optimizer step. Their mean gradient is then in the store; parameters and statistics are as they were.
   * @param step its number, from 1. @param scalars its scheduled numbers, by name. @param next gives the batch of each pass.
   */
  async run(step: number, scalars: ReadonlyMap<string, number>, next: () => Promise<Batch>): Promise<StepOutcome> {
    const { batchSize, iterSize } = this.recipe.solver;
    const { width, height } = this.recipe.input;
    const measures = new Map<MeasureName, number>();
    const feeds: Record<string, Tensor> = { ...this.parameters, ...this.earlier };
    for (const [name, value] of scalars) feeds[name] = float32Scalar(value);
    let outputs: Record<string, Tensor> = {};
    if (iterSize > 1) for (const { gradients } of this.store.groups) gradients.fill(0);
    for (let pass = 0; pass < iterSize; pass++) {
      const batch = await next();
      feeds.images = float32(batch.images, [batchSize, 3, height, width]);
      feeds.labels = int64(batch.labels);
      const { masks } = this.step;
      const factors = dropoutFactors(masks, this.recipe.seed, (step - 1) * iterSize + pass);
      for (const { name, shape } of masks) feeds[name] = float32(factors.get(name)!, shape);
      outputs = await this.session.run(feeds, this.gradients);
      for (const name of this.step.measures) {
        measures.set(name, (measures.get(name) ?? 0) + float32Data(outputs[name])[0] / iterSize);
      }
      for (const name of this.statistics) feeds[name] = outputs[statisticName(name)];
    }
    // The last pass gives the norms of the whole.
    const normOf = (name: string): number => float32Data(outputs[gradientNormName(name)])[0];
    return {
      measures,
      norms: new Map([...this.store.gradients.keys()].map((name) => [name, normOf(name)])),
      statistics: new Map(this.statistics.map((name) => [name, float32Data(outputs[statisticName(name)])])),
    };
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
