// Runs a rank's passes of an optimizer step: parameters and batches in, its part of the mean gradient in the store, measures and new
// statistics out.
import { isTrained, isUpdated } from '../nn/index.js';
import {
  float32,
  float32Data,
  float32Scalar,
  int64,
  Session,
  type SessionOptions,
  type Tensor,
} from '../runtime/index.js';
import type { ClassifierEnergy } from './classifier-energy.js';
import type { DropoutFeeds } from './dropout-feeds.js';
import type { Batch } from './loader.js';
import { classifierName } from './network.js';
import type { ParameterStore } from './parameter-store.js';
import type { Recipe } from './recipe.js';
import { earlierGradientName, gradientName, type MeasureName, statisticName, type StepModel } from './step-graph.js';

/** What a rank's passes of a step gave. */
export interface StepOutcome {
  /** Means over the passes. */
  readonly measures: ReadonlyMap<MeasureName, number>;
  /** Statistics after the last pass, by name: each pass starts from what the one before gave. */
  readonly statistics: ReadonlyMap<string, Float32Array>;
  /** Seconds that this rank took for them, without waiting for others. */
  readonly seconds: number;
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
    private readonly energy: ClassifierEnergy | undefined,
    private readonly dropout: DropoutFeeds,
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
    const gradients = new Map(store.gradients);
    const earlier = new Map(store.gradients);
    if (energy !== undefined) {
      gradients.set(classifierName, energy.gradient);
      earlier.set(classifierName, new Float32Array(energy.gradient.length));
    }
    this.gradients = tensors(trained, gradients, gradientName);
    this.earlier = recipe.solver.iterSize === 1 ? {} : tensors(trained, earlier, earlierGradientName);
    this.statistics = statistics.map(({ name }) => name);
  }

  /**
   * @param store of the step's parameters, whose buffers it reads and whose gradients it writes.
   * @param recipe with the passes and images of this rank's share.
   * @param energy where the step was built without it. @param dropout of the step's masks.
   */
  static async create(
    step: StepModel,
    store: ParameterStore,
    recipe: Recipe,
    energy: ClassifierEnergy | undefined,
    dropout: DropoutFeeds,
    options: SessionOptions,
  ): Promise<StepRunner> {
    return new StepRunner(await Session.create(step.model, options), step, store, recipe, energy, dropout);
  }

  /** Which device computes, in words. */
  get device(): string {
    return this.session.description;
  }

  /**
   * Runs the passes. Their part of the mean gradient is then in the store; parameters and statistics are as they were.
   * @param done optimizer steps done. @param scalars the step's scheduled numbers, by name. @param next gives the batch of each pass.
   */
  async run(done: number, scalars: ReadonlyMap<string, number>, next: () => Promise<Batch>): Promise<StepOutcome> {
    const { iterSize } = this.recipe.solver;
    const measures = new Map<MeasureName, number>();
    const feeds: Record<string, Tensor> = { ...this.parameters, ...this.earlier };
    for (const [name, value] of scalars) feeds[name] = float32Scalar(value);
    let outputs: Record<string, Tensor> = {};
    const add = (name: MeasureName, value: number): void => {
      measures.set(name, (measures.get(name) ?? 0) + value / iterSize);
    };
    if (iterSize > 1) for (const { gradients } of this.store.groups) gradients.fill(0);
    if (this.energy !== undefined) this.store.gradients.get(classifierName)!.fill(0);
    let seconds = 0;
    for (let pass = 0; pass < iterSize; pass++) {
      const started = performance.now();
      const batch = await next();
      feeds.labels = int64(batch.labels);
      Object.assign(feeds, batch.images.feeds, this.dropout.of(done, pass));
      outputs = await this.session.run(feeds, this.gradients);
      seconds += (performance.now() - started) / 1000;
      for (const name of this.step.measures) add(name, float32Data(outputs[name])[0]);
      if (this.energy !== undefined) {
        const ofEnergy = await this.energy.add(batch.labels);
        for (const [name, value] of ofEnergy) add(name, value);
        add('loss', ofEnergy.get('energyTerm')!);
      }
      for (const name of this.statistics) feeds[name] = outputs[statisticName(name)];
    }
    return {
      measures,
      seconds,
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
