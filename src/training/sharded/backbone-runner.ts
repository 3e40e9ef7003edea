// Runs the two models of a backbone, pass by pass: images to features, and the features' gradient to those of the parameters in the store.
import { isTrained, isUpdated } from '../../nn/index.js';
import { float32, float32Data, Session, type SessionOptions, type Tensor, type Tensors } from '../../runtime/index.js';
import type { DropoutFeeds } from '../dropout-feeds.js';
import type { ParameterStore } from '../parameter-store.js';
import type { Recipe } from '../recipe.js';
import { earlierGradientName, gradientName, type MeasureName, statisticName } from '../step-graph.js';
import { type BackboneModels, featuresGradientName, featuresName } from './backbone-graphs.js';

export class BackboneRunner implements AsyncDisposable {
  /** Inputs of both models. */
  private readonly feeds: Record<string, Tensor>;
  private readonly features: Readonly<Record<string, Tensor>>;
  private readonly gradients: Readonly<Record<string, Tensor>>;
  private readonly statistics: readonly string[];

  private constructor(
    private readonly first: Session,
    private readonly second: Session,
    private readonly models: BackboneModels,
    private readonly store: ParameterStore,
    recipe: Recipe,
    private readonly dropout: DropoutFeeds,
  ) {
    const trained = models.specs.filter(isTrained);
    const statistics = models.specs.filter(isUpdated);
    const { batchSize, iterSize } = recipe.solver;
    const buffers = (
      data: ReadonlyMap<string, Float32Array>,
      specs: typeof trained,
      nameOf: (name: string) => string,
    ) =>
      Object.fromEntries(specs.map((spec) => [nameOf(spec.name), float32(data.get(spec.name)!, store.shapeOf(spec))]));
    this.gradients = buffers(store.gradients, trained, gradientName);
    this.feeds = {
      ...buffers(store.values, [...trained, ...statistics], (name) => name),
      ...(iterSize === 1 ? {} : buffers(store.gradients, trained, earlierGradientName)),
    };
    const shape = [batchSize, recipe.network.embeddingSize];
    this.features = { [featuresName]: float32(new Float32Array(shape[0] * shape[1]), shape) };
    this.statistics = statistics.map(({ name }) => name);
  }

  /** @param recipe with the images of this process in a pass. */
  static async create(
    models: BackboneModels,
    store: ParameterStore,
    recipe: Recipe,
    dropout: DropoutFeeds,
    options: SessionOptions,
  ): Promise<BackboneRunner> {
    const first = await Session.create(models.forward, options);
    const second = await Session.create(models.backward, options);
    return new BackboneRunner(first, second, models, store, recipe, dropout);
  }

  get device(): string {
    return this.second.description;
  }

  /** Before the first pass of a step: nothing is added up yet, and statistics are those of the store. */
  begin(): void {
    for (const { gradients } of this.store.groups) gradients.fill(0);
    for (const spec of this.models.specs.filter(isUpdated)) {
      this.feeds[spec.name] = float32(this.store.values.get(spec.name)!, this.store.shapeOf(spec));
    }
  }

  /**
   * The features of this process's images, [images, size]; valid until the next pass.
   * @param done optimizer steps done. @param pass of the step, from 0.
   */
  async forward(images: Tensors, done: number, pass: number): Promise<Float32Array> {
    // Both models drop the same.
    Object.assign(this.feeds, images, this.dropout.of(done, pass));
    const outputs = await this.first.run(this.wanted(this.first), this.features);
    return float32Data(outputs[featuresName]);
  }

  /** Adds to the gradients in the store what a pass gives, and gives its measures. */
  async backward(featuresGradient: Float32Array): Promise<ReadonlyMap<MeasureName, number>> {
    const shape = this.features[featuresName].dims;
    this.feeds[featuresGradientName] = float32(featuresGradient, shape);
    const outputs = await this.second.run(this.wanted(this.second), this.gradients);
    for (const name of this.statistics) this.feeds[name] = outputs[statisticName(name)];
    return new Map(this.models.measures.map((name) => [name, float32Data(outputs[name])[0]]));
  }

  /** Statistics after the last pass, by name. */
  get newStatistics(): ReadonlyMap<string, Float32Array> {
    return new Map(this.statistics.map((name) => [name, float32Data(this.feeds[name])]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.first.dispose();
    await this.second.dispose();
  }

  private wanted({ inputNames }: Session): Record<string, Tensor> {
    return Object.fromEntries(inputNames.map((name) => [name, this.feeds[name]]));
  }
}
